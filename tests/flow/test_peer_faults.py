"""What went wrong in Meta's Hasher-Matcher-Actioner when it was measured, tried on this service."""

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
from unseen.errors import InputError, UnseenError
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
}
"""What asks for no key: a person's calls, behind a PIN, and the operator's, from inside."""

CALLS = {f"{m} {p}": each for p, calls in API["paths"].items() for m, each in calls.items()}
WITH_BODY = sorted(call for call, each in CALLS.items() if "requestBody" in each)
PARTS = {
    "number": "UN-7K4M-9QTX",
    "image": "1",
    "webhook": "00000000-0000-4000-8000-000000000000",
    "record": "00000000-0000-4000-8000-000000000000",
    "key": "4711",
}
HEADERS = {"Unseen-Reason": "a test", "Unseen-Pin": PIN, "Content-Type": "application/json"}
NEWLINE = random_pdq(1) + "\n"


@pytest.fixture(scope="module")
def odd(postgres: str) -> Iterator[RunningService]:
    """A service of this module's own: it is left with whatever was sent."""
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
    service: RunningService, call: str, body: bytes | None, headers: dict[str, str]
) -> httpx.Response:
    method, _, path = call.partition(" ")
    asked = {"position": "1", "first": "1"}
    url = service.url + re.sub(r"\{(\w+)\}", lambda part: PARTS[part[1]], path)
    return httpx.request(method.upper(), url, params=asked, content=body, headers=headers)


@pytest.mark.parametrize("call", sorted(CALLS))
def test_every_call_asks_for_a_key_or_is_meant_to_be_open(odd: RunningService, call: str) -> None:
    body = b"{}" if call in WITH_BODY else None
    declared = bool(CALLS[call].get("security"))
    assert declared == (call not in PUBLIC)
    for headers in (HEADERS, {**HEADERS, "Authorization": "Bearer unseen_of_nobody"}):
        assert (send(odd, call, body, headers).status_code == 401) == declared


ODD = {
    "nothing": b"",
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
    "a key twice": b'{"x": 1, "x": 2}',
    "not UTF-8": b'{"x": "\xff\xfe"}',
    "UTF-16": '{"x": 1}'.encode("utf-16"),
    "half a pair as a name": b'{"\\ud800": 1}',
    "half a pair": b'{"hashes": ["\\ud800"], "pin": "\\ud800"}',
    "a zero byte": b'{"\\u0000": "\\u0000"}',
    "more behind it": b"{} {}",
    "a byte order mark": b"\xef\xbb\xbf{}",
}


@pytest.mark.parametrize("call", WITH_BODY)
def test_a_body_that_is_none_is_refused(odd: RunningService, call: str) -> None:
    headers = all_keys(odd)
    statuses = {name: send(odd, call, body, headers).status_code for name, body in ODD.items()}
    assert {name: status for name, status in statuses.items() if not 400 <= status < 500} == {}


VALUES = ["\ud800", "\0", "a\n", "", "x" * 5_000, [], [None], {}, -1, 1e308, 2**70, None, True]


def fields_of(call: str) -> list[str]:
    content = CALLS[call]["requestBody"]["content"]["application/json"]["schema"]
    schema = API["components"]["schemas"][content["$ref"].rpartition("/")[2]]
    return sorted(schema["properties"])


@pytest.mark.parametrize("call", WITH_BODY)
def test_a_field_may_hold_anything_and_nothing_breaks(odd: RunningService, call: str) -> None:
    headers = all_keys(odd)
    for field in fields_of(call):
        for value in VALUES:
            body = json.dumps({field: value}).encode()
            assert send(odd, call, body, headers).status_code < 500, (field, value)


def test_a_hash_with_a_newline_behind_it_comes_in_nowhere(odd: RunningService) -> None:
    """In a peer it was taken, and from then on no index could be built."""
    headers = all_keys(odd)
    entrances = {
        "post /v1/cases": submission(NEWLINE),
        "post /v1/match": {"hashes": [NEWLINE]},
        "post /stopncii/v1/SubmitHashes": {
            "count": 1,
            "hashRecords": [
                {
                    "signalType": "ImagePDQ",
                    "hashRegions": [],
                    "hashStatus": "Active",
                    "hashValue": NEWLINE,
                    "CSPFeedbacks": [],
                }
            ],
        },
        "post /stopncii/v1/SubmitFeedback": {
            "count": 1,
            "hashFeedback": [{"hashValue": NEWLINE, "feedbackValue": "None"}],
        },
    }
    for call, body in entrances.items():
        answer = send(odd, call, json.dumps(body).encode(), headers)
        assert answer.status_code == 422, call
        assert "ash" in answer.text, "it is the hash that is refused"
    benign = run("benign", "add", "--hash", NEWLINE, DATABASE_URL=odd.database_url)
    assert benign.returncode != 0
    with pytest.raises((InputError, UnseenError)), Client(odd.url, key="unseen_x") as client:
        client.match([NEWLINE])
    with pytest.raises((InputError, UnseenError, ValueError)):
        client.match([Fingerprint(NEWLINE, 100)])
    # What is taken afterwards is found, also by who builds its index anew.
    pdq = random_pdq(5)
    assert send(odd, "post /v1/cases", json.dumps(submission(pdq)).encode(), headers).is_success
    with serving(odd.database_url) as anew, anew.client("match") as platform:
        assert len(platform.post("/v1/match", json={"hashes": [pdq]}).json()["hits"]) == 1


def test_upper_case_hex_is_a_hash_as_any_other(odd: RunningService) -> None:
    pdq = flipped(random_pdq(6), 0)
    headers = all_keys(odd)
    taken = send(odd, "post /v1/cases", json.dumps(submission(pdq.upper())).encode(), headers)
    assert taken.status_code == 201
    odd.wait_in_step()
    for asked in (pdq, pdq.upper(), pdq[:32] + pdq[32:].upper()):
        body = json.dumps({"hashes": [asked]}).encode()
        (hit,) = send(odd, "post /v1/match", body, headers).json()["hits"]
        assert hit["distance"] == 0


def test_what_is_not_there_cannot_be_deleted(odd: RunningService) -> None:
    headers = all_keys(odd)
    deletions = [call for call in CALLS if call.startswith("delete ")]
    assert len(deletions) >= 4
    for call in deletions:
        assert send(odd, call, None, headers).status_code == 404, call


@pytest.mark.parametrize("count", [2**n for n in range(11)])
@pytest.mark.parametrize("distance", [0, 1, 8])
def test_a_bank_of_few_and_of_alike_hashes_is_found_also_when_saved(
    tmp_path: Path, count: int, distance: int
) -> None:
    """In a peer one hash never matched, and powers of two of alike ones were lost when saved."""
    alike = np.array(
        [list(bytes.fromhex(flipped("5a" * 32, distance, seed))) for seed in range(count)],
        np.uint8,
    )
    table = HashTable()
    table.add(np.arange(count, dtype=np.int64), alike)
    table.save(tmp_path / "plain")
    table.merge()
    table.save(tmp_path / "merged")
    opened = [HashTable.open(tmp_path / name) for name in ("plain", "merged")]
    query = np.full((1, 32), 0x5A, np.uint8)
    for each in (table, *opened):
        hits = each.search(query, 31)
        assert sorted(hits.ids.tolist()) == list(range(count))
        assert set(hits.distances.tolist()) == {distance}


def test_a_service_of_one_hash_finds_it_also_after_a_restart(
    database_url: str, tmp_path: Path
) -> None:
    pdq = random_pdq(1)
    settings = {"index_dir": tmp_path, "save_after_changes": 1}
    with serving(database_url, **settings) as service:
        httpx.post(f"{service.url}/v1/cases", json=submission(pdq)).raise_for_status()
        wait_until((tmp_path / f"position-{1:020}").exists)
    with serving(database_url, **settings) as again, again.client("match") as platform:
        assert len(platform.post("/v1/match", json={"hashes": [pdq]}).json()["hits"]) == 1


@pytest.mark.slow
def test_a_killed_supervisor_leaves_the_port_to_the_next(data_directory: Path) -> None:
    """Also while a worker is only being started: in a peer an orphan held it for 30 s."""
    with serve_process(data_directory, workers=2) as first:
        process, port = first.process, int(first.url.rpartition(":")[2])
        orphan = workers_of(process)[0]
        orphan.kill()  # its successor begins; it has not yet asked to die with its parent
        wait_until(lambda: len(workers_of(process)) == 2 and orphan not in workers_of(process))
        process.kill()
        process.wait()
        with serve_process(data_directory, port=port, workers=2) as second:
            assert second.is_ready()
        wait_until(lambda: can_be_bound(port))


def can_be_bound(port: int) -> bool:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", port))
            taken.listen()
        except OSError:
            return False
        return True


THREADS = """
import sys, threading, time
import numpy as np
from unseen_index import HashTable
from pathlib import Path

table = HashTable.open(Path(sys.argv[1]))
queries = np.random.default_rng(1).integers(0, 256, (2_000, 32), np.uint8)
table.search(queries[:16], 31)
sys.stdin.readline()
began, n = time.monotonic(), 0
while time.monotonic() - began < 2:
    for at in range(0, 2_000, 16):
        table.search(queries[at:at + 16], 31)
    n += 2_000
print(n / (time.monotonic() - began))
print(len(list(Path("/proc/self/task").iterdir())))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
def test_two_processes_look_up_no_slower_than_one(tmp_path: Path) -> None:
    """In a peer two workers on two cores were slower than one: their threads fought."""
    table = HashTable()
    bits = np.random.default_rng(0).integers(0, 256, (200_000, 32), np.uint8)
    table.add(np.arange(len(bits), dtype=np.int64), bits)
    table.merge()
    table.save(tmp_path)

    def rate(processes: int) -> float:
        started = [
            subprocess.Popen(
                [sys.executable, "-c", THREADS, str(tmp_path)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
            for _ in range(processes)
        ]  # fmt: skip
        told = [each.communicate("\n")[0].split() for each in started]
        assert all(int(threads) <= 8 for _, threads in told)
        return sum(float(found) for found, _ in told)

    one, two = rate(1), rate(2)
    print(f"{one:.0f} look-ups/s by one process, {two:.0f} by two")
    assert two > 0.8 * one
