"""Bugs that were found in Meta's Hasher-Matcher-Actioner (HMA), tested on this service."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import yaml
from unseen import Client, Fingerprint
from unseen.errors import InputError
from unseen_index import HashTable
from unseen_service.models.keys import Scope

from tests.support.cli import run
from tests.support.databases import fresh_database
from tests.support.hashes import flipped, random_pdq
from tests.support.processes import serve_process, workers_of
from tests.support.running_service import RunningService, serving
from tests.support.submissions import PIN, submission
from tests.support.waiting import wait_until

API = yaml.safe_load((Path(__file__).parents[2] / "openapi.yaml").read_text(encoding="utf-8"))
PUBLIC = {
    "post /v1/cases",
    "get /v1/cases/{number}",
    "delete /v1/cases/{number}",
    "delete /v1/cases/{number}/images/{image}",
    "get /metrics",
    "get /healthz",
    "get /readyz",
    "get /v1/service",
}
"""Operations without a key: a person's, which need a PIN, what a service offers, and the
operator's, kept internal."""

OPERATIONS = {f"{m} {p}": each for p, calls in API["paths"].items() for m, each in calls.items()}
WITH_BODY = sorted(operation for operation, each in OPERATIONS.items() if "requestBody" in each)
IN_PATH = {
    "number": "UN-7K4M-9QTX",
    "image": "1",
    "webhook": "00000000-0000-4000-8000-000000000000",
    "record": "00000000-0000-4000-8000-000000000000",
    "key": "4711",
}
HEADERS = {"Unseen-Reason": "a test", "Unseen-Pin": PIN, "Content-Type": "application/json"}
TRAILING_NEWLINE = random_pdq(1) + "\n"


@pytest.fixture(scope="module")
def scratch(postgres: str) -> Iterator[RunningService]:
    """Yield a service for this module only, because its tests leave unusual data behind."""
    with fresh_database(postgres) as url, serving(url) as running:
        yield running


def all_keys(service: RunningService) -> dict[str, str]:
    key = service.key(*(scope.value for scope in Scope))
    return {
        "Authorization": f"Bearer {key}",
        "x-functions-key": key,
        "Ocp-Apim-Subscription-Key": key,
        **HEADERS,
    }


def send(
    service: RunningService, operation: str, body: bytes | None, headers: dict[str, str]
) -> httpx.Response:
    method, _, path = operation.partition(" ")
    described = OPERATIONS[operation].get("parameters", ())
    parameters = {
        each["name"]: "1" for each in described if each["in"] == "query" and each.get("required")
    }
    url = service.url + re.sub(r"\{(\w+)\}", lambda part: IN_PATH[part[1]], path)
    return httpx.request(method.upper(), url, params=parameters, content=body, headers=headers)


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_every_operation_needs_a_key_unless_it_is_public(
    scratch: RunningService, operation: str
) -> None:
    body = b"{}" if operation in WITH_BODY else None
    needs_key = bool(OPERATIONS[operation].get("security"))
    assert needs_key == (operation not in PUBLIC)
    for headers in (HEADERS, {**HEADERS, "Authorization": "Bearer unseen_of_nobody"}):
        assert (send(scratch, operation, body, headers).status_code == 401) == needs_key


INVALID_BODIES = {
    "an empty body": b"",
    "a list": b"[]",
    "a list of lists": b"[[]]",
    "a number": b"7",
    "null": b"null",
    "true": b"true",
    "a string": b'"x"',
    "deep lists": b"[" * 100_000,
    "deep lists that end": b"[" * 50_000 + b"]" * 50_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a huge number": b'{"hashes": ' + b"9" * 5_000 + b"}",
    "an infinite number": b'{"hashes": 1e999, "max_distance": 1e999}',
    "not a number": b'{"hashes": NaN, "max_distance": -Infinity}',
    "a repeated name": b'{"x": 1, "x": 2}',
    "not UTF-8": b'{"x": "\xff\xfe"}',
    "UTF-16": '{"x": 1}'.encode("utf-16"),
    "a lone surrogate as a name": b'{"\\ud800": 1}',
    "lone surrogates": b'{"hashes": ["\\ud800"], "pin": "\\ud800"}',
    "a zero byte": b'{"\\u0000": "\\u0000"}',
    "trailing data": b"{} {}",
    "a byte order mark": b"\xef\xbb\xbf{}",
}


@pytest.mark.parametrize("operation", WITH_BODY)
def test_invalid_bodies_are_refused(scratch: RunningService, operation: str) -> None:
    headers = all_keys(scratch)
    statuses = {
        name: send(scratch, operation, body, headers).status_code
        for name, body in INVALID_BODIES.items()
    }
    assert {name: status for name, status in statuses.items() if not 400 <= status < 500} == {}


VALUES = ["\ud800", "\0", "a\n", "", "x" * 5_000, [], [None], {}, -1, 1e308, 2**70, None, True]


def fields_of(operation: str) -> list[str]:
    content = OPERATIONS[operation]["requestBody"]["content"]["application/json"]["schema"]
    schema = API["components"]["schemas"][content["$ref"].rpartition("/")[2]]
    return sorted(schema["properties"])


@pytest.mark.parametrize("operation", WITH_BODY)
def test_no_value_of_a_field_is_a_server_error(scratch: RunningService, operation: str) -> None:
    headers = all_keys(scratch)
    for field in fields_of(operation):
        for value in VALUES:
            body = json.dumps({field: value}).encode()
            assert send(scratch, operation, body, headers).status_code < 500, (field, value)


def test_a_hash_with_a_trailing_newline_is_accepted_nowhere(scratch: RunningService) -> None:
    """HMA stored it, and could not build an index from then on."""
    headers = all_keys(scratch)
    bodies = {
        "post /v1/cases": submission(TRAILING_NEWLINE),
        "post /v1/match": {"hashes": [TRAILING_NEWLINE]},
        "post /stopncii/v1/SubmitHashes": {
            "count": 1,
            "hashRecords": [
                {
                    "signalType": "ImagePDQ",
                    "hashRegions": [],
                    "hashStatus": "Active",
                    "hashValue": TRAILING_NEWLINE,
                    "CSPFeedbacks": [],
                }
            ],
        },
        "post /stopncii/v1/SubmitFeedback": {
            "count": 1,
            "hashFeedback": [{"hashValue": TRAILING_NEWLINE, "feedbackValue": "None"}],
        },
    }
    for operation, body in bodies.items():
        answer = send(scratch, operation, json.dumps(body).encode(), headers)
        assert answer.status_code == 422, operation
        assert "ash" in answer.text, "the hash is what is refused"
    benign = run("benign", "add", "--hash", TRAILING_NEWLINE, DATABASE_URL=scratch.database_url)
    assert (benign.returncode, "64 hexadecimal digits" in benign.stderr) == (1, True)
    with Client(scratch.url, key=scratch.key("match")) as client:
        for query in (TRAILING_NEWLINE, Fingerprint(TRAILING_NEWLINE, 100)):
            with pytest.raises(InputError):
                client.match([query])
    # Hashes submitted afterwards match, also in a service that has to build its index.
    pdq = random_pdq(5)
    assert send(scratch, "post /v1/cases", json.dumps(submission(pdq)).encode(), headers).is_success
    with serving(scratch.database_url) as restarted, restarted.client("match") as platform:
        assert len(platform.post("/v1/match", json={"hashes": [pdq]}).json()["hits"]) == 1


def test_hashes_may_be_upper_case(scratch: RunningService) -> None:
    pdq = flipped(random_pdq(6), 0)
    headers = all_keys(scratch)
    answer = send(scratch, "post /v1/cases", json.dumps(submission(pdq.upper())).encode(), headers)
    assert answer.status_code == 201
    scratch.wait_in_step()
    for query in (pdq, pdq.upper(), pdq[:32] + pdq[32:].upper()):
        body = json.dumps({"hashes": [query]}).encode()
        (hit,) = send(scratch, "post /v1/match", body, headers).json()["hits"]
        assert hit["distance"] == 0


def test_deleting_what_does_not_exist_is_a_404(scratch: RunningService) -> None:
    headers = all_keys(scratch)
    deletions = [operation for operation in OPERATIONS if operation.startswith("delete ")]
    assert len(deletions) >= 4
    for operation in deletions:
        assert send(scratch, operation, None, headers).status_code == 404, operation


@pytest.mark.parametrize("count", [2**n for n in range(11)])
@pytest.mark.parametrize("distance", [0, 1, 8])
def test_a_small_index_of_similar_hashes_finds_all_also_when_saved(
    tmp_path: Path, count: int, distance: int
) -> None:
    """HMA never matched a single hash, and lost similar ones if their number was a power of two."""
    similar = np.array(
        [list(bytes.fromhex(flipped("5a" * 32, distance, seed))) for seed in range(count)],
        np.uint8,
    )
    table = HashTable()
    table.add(np.arange(count, dtype=np.int64), similar)
    table.save(tmp_path / "plain")
    table.merge()
    table.save(tmp_path / "merged")
    opened = [HashTable.open(tmp_path / name) for name in ("plain", "merged")]
    query = np.full((1, 32), 0x5A, np.uint8)
    for each in (table, *opened):
        hits = each.search(query, 31)
        assert sorted(hits.ids.tolist()) == list(range(count))
        assert set(hits.distances.tolist()) == {distance}


def test_a_single_hash_matches_after_a_restart(database_url: str, tmp_path: Path) -> None:
    pdq = random_pdq(1)
    settings = {"index_dir": tmp_path, "save_after_changes": 1}
    with serving(database_url, **settings) as service:
        httpx.post(f"{service.url}/v1/cases", json=submission(pdq)).raise_for_status()
        wait_until((tmp_path / f"position-{1:020}").exists)
    with serving(database_url, **settings) as restarted, restarted.client("match") as platform:
        assert len(platform.post("/v1/match", json={"hashes": [pdq]}).json()["hits"]) == 1


@pytest.mark.slow
def test_a_killed_supervisor_frees_its_port(data_directory: Path) -> None:
    """Also while it is starting a worker: in HMA, an orphan kept the port for 30 s."""
    with serve_process(data_directory, workers=2) as first:
        process, port = first.process, int(first.url.rpartition(":")[2])
        killed = workers_of(process)[0]
        killed.kill()  # its replacement starts; at first it would outlive its parent
        wait_until(lambda: len(workers_of(process)) == 2 and killed not in workers_of(process))
        process.kill()
        process.wait()
        with serve_process(data_directory, port=port, workers=2) as second:
            assert second.is_ready()
            assert second.process.poll() is None, "the orphan answered"
        wait_until(lambda: is_port_free(port), within=5)


def is_port_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen()
        except OSError:
            return False
        return True


TIME_LOOKUPS = """
import sys, threading, time
import numpy as np
from unseen_index import HashTable
from pathlib import Path

table = HashTable.open(Path(sys.argv[1]))
queries = np.random.default_rng(1).integers(0, 256, (2_000, 32), np.uint8)
table.search(queries[:16], 31)
sys.stdin.readline()
began, count = time.monotonic(), 0
while time.monotonic() - began < 2:
    for start in range(0, 2_000, 16):
        table.search(queries[start:start + 16], 31)
    count += 2_000
print(count / (time.monotonic() - began))
print(len(list(Path("/proc/self/task").iterdir())))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
def test_two_processes_look_up_no_slower_than_one(tmp_path: Path) -> None:
    """In HMA, two workers on two cores were slower than one: their threads competed."""
    table = HashTable()
    bits = np.random.default_rng(0).integers(0, 256, (200_000, 32), np.uint8)
    table.add(np.arange(len(bits), dtype=np.int64), bits)
    table.merge()
    table.save(tmp_path)

    def rate(processes: int) -> float:
        started = [
            subprocess.Popen(
                [sys.executable, "-c", TIME_LOOKUPS, str(tmp_path)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
            for _ in range(processes)
        ]  # fmt: skip
        printed = [each.communicate("\n")[0].split() for each in started]
        assert all(int(threads) <= 8 for _, threads in printed)
        return sum(float(per_second) for per_second, _ in printed)

    one, two = rate(1), rate(2)
    print(f"{one:.0f} lookups/s by one process, {two:.0f} by two")
    assert two > 0.8 * one
