"""HTTP at its worst: requests that could be read in two ways, slow ones, large ones, odd ones."""

import json
import re
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import faiss
import httpx
import psutil
import pytest
from unseen_service.runtime.http_protocol import HttpProtocol

from tests.support.databases import fresh_database
from tests.support.hashes import random_pdq
from tests.support.processes import serve_process
from tests.support.running_service import RunningService, serving
from tests.support.submissions import PIN, submission
from tests.support.waiting import PATIENCE_S, wait_until

POST = b"POST /v1/cases HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"
NEXT = GET + b"\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def port_of(service: RunningService) -> int:
    return int(service.url.rsplit(":", 1)[1])


def talk(service: RunningService, *parts: bytes, pause: float = 0.0) -> tuple[list[int], bool]:
    """Send bytes as they are; answer the statuses that came back, and whether it hung up."""
    with socket.create_connection(("127.0.0.1", port_of(service))) as connection:
        connection.settimeout(1.0)
        answer, ended = b"", False
        try:
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)
            while not ended:
                received = connection.recv(65_536)
                answer, ended = answer + received, not received
        except TimeoutError:
            pass
        except (ConnectionResetError, BrokenPipeError):
            ended = True
    return [int(each) for each in re.findall(rb"HTTP/1\.1 (\d+)", answer)], ended


def test_an_answer_leaves_in_one_piece(any_service: RunningService) -> None:
    with socket.create_connection(("127.0.0.1", port_of(any_service))) as connection:
        for _ in range(20):
            connection.sendall(NEXT)
            head, _, body = connection.recv(65_536).partition(b"\r\n\r\n")
            assert b"200 OK" in head
            assert body


@pytest.mark.parametrize(
    "request_",
    [
        POST + b"Content-Length: 4\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
        POST + CHUNKED + b"Content-Length: 4\r\n\r\n0\r\n\r\n",
        POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        POST + b"Content-Length: 2, 2\r\n\r\n{}",
        POST + b"Content-Length: +2\r\n\r\n{}",
        POST + b"Content-Length: 99999999999999999999999\r\n\r\n{}",
        POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        POST + CHUNKED + b"\r\n0x2\r\n{}\r\n0\r\n\r\n",
        POST + CHUNKED + b"\r\n2\n{}\n0\n\n",
        POST + CHUNKED + b"\r\n-2\r\n{}\r\n0\r\n\r\n",
        GET + b"X: a\r\n folded\r\n\r\n",
        GET + b"X: a\0b\r\n\r\n",
        GET + b"X: a\rY: b\r\n\r\n",
        GET + b"X : a\r\n\r\n",
        b"GET /healthz HTTP/1.1\nHost: a\n\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT elsewhere:1 HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_what_could_be_read_in_two_ways_ends_the_connection(
    any_service: RunningService, request_: bytes
) -> None:
    """So nothing that follows it, smuggled or not, is ever read as a request."""
    assert talk(any_service, request_ + NEXT) == ([400], True)


def test_requests_on_one_connection_are_answered_one_by_one(any_service: RunningService) -> None:
    chunked = POST + CHUNKED + b"\r\n2\r\n{}\r\n0\r\n\r\n"
    assert talk(any_service, NEXT + chunked + NEXT)[0] == [200, 422, 200]


@pytest.mark.parametrize(
    "before",
    [NEXT, NEXT + POST + b"Content-Length: 2\r\n\r\n{}"],
)
@pytest.mark.parametrize(
    "broken",
    [
        GET + b"X : a\r\n\r\n",
        POST + CHUNKED + b"\r\n0x2\r\n{}\r\n0\r\n\r\n",
        GET + b"X: " + b"a" * 40_000,
    ],
)
def test_what_is_broken_answers_no_request_before_it(
    any_service: RunningService, before: bytes, broken: bytes
) -> None:
    """A 400 that came first would be taken for the answer to a request that was in order."""
    statuses, ended = talk(any_service, before + broken + NEXT)
    assert ended
    assert statuses in ([], [200], [200, 422])


@pytest.mark.parametrize("to", [b"websocket", b"h2c"])
def test_an_upgrade_is_answered_and_ends_the_connection(
    any_service: RunningService, to: bytes
) -> None:
    """Nothing that follows is read, so nobody should wait for its answer."""
    upgrade = GET + b"Connection: Upgrade\r\nUpgrade: " + to + b"\r\n\r\n"
    assert talk(any_service, upgrade + NEXT) == ([200], True)


@pytest.mark.parametrize("trailer", [b"X: y\r\n", b"X: y\r\n" * 200_000])
def test_fields_behind_a_body_end_the_connection(
    any_service: RunningService, trailer: bytes
) -> None:
    """They would be headers that come late, and as many as somebody likes."""
    body = b"\r\n2\r\n{}\r\n0\r\n"
    statuses, ended = talk(any_service, POST + CHUNKED + body + trailer + b"\r\n" + NEXT)
    assert ended
    assert statuses in ([], [400])


def test_a_request_has_one_answer_also_if_it_breaks_after_it(any_service: RunningService) -> None:
    """401 before the body was read; what follows it is no second answer."""
    ask = b"POST /v1/match HTTP/1.1\r\nHost: a\r\n" + CHUNKED + b"\r\n"
    assert talk(any_service, ask, b"0x2\r\n", pause=0.2) == ([401], True)


def test_requests_wait_in_a_number_that_is_limited(any_service: RunningService) -> None:
    """Hundreds of thousands at once, and nobody reads the answers: it hangs up on them."""
    with socket.create_connection(("127.0.0.1", port_of(any_service))) as connection:
        connection.settimeout(5.0)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            for _ in range(1_000):
                connection.sendall(NEXT * 1_000)
    assert httpx.get(f"{any_service.url}/healthz").status_code == 200
    assert talk(any_service, NEXT * (HttpProtocol.MOST_WAITING + 1))[0] == [200] * 17


def test_who_hangs_up_before_the_answer_leaves_no_trace(
    any_service: RunningService, caplog: pytest.LogCaptureFixture
) -> None:
    linger = struct.pack("ii", 1, 0)
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", port_of(any_service))) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            connection.sendall(NEXT * 8)
    assert httpx.get(f"{any_service.url}/healthz").status_code == 200
    assert not [each for each in caplog.records if each.exc_info]


def test_who_hangs_up_in_the_middle_of_a_look_up_leaves_no_trace(
    any_service: RunningService, caplog: pytest.LogCaptureFixture
) -> None:
    key = any_service.key("match").encode()
    half = (
        b"POST /v1/match HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key + b"\r\n"
        b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", port_of(any_service))) as connection:
            connection.sendall(half)
            # Answered in the same turn: by now the other request waits for its body.
            assert httpx.get(f"{any_service.url}/healthz").status_code == 200
    assert httpx.get(f"{any_service.url}/healthz").status_code == 200
    assert not [each for each in caplog.records if each.exc_info]


@pytest.fixture(scope="module")
def impatient(postgres: str) -> Iterator[RunningService]:
    class Impatient(HttpProtocol):
        LONGEST_S = 0.5

    with (
        fresh_database(postgres) as url,
        serving(url, protocol=Impatient, until_ready=False) as running,
    ):
        yield running


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [b"G"],
        [GET[:20], GET[20:], b"X: a\r\n", b"Y: b\r\n"],
        [POST + b"Content-Length: 100\r\n\r\n", b"{", b" ", b" "],
        [POST + CHUNKED + b"\r\n", b"1\r\n{\r\n", b"1\r\n}\r\n"],
        [NEXT, b"GET "],
        [NEXT, b"\r\n"],
        [NEXT, b"\r\n", b"\r\n", b"\r\n"],
    ],
)
def test_slow_clients_are_hung_up_on(impatient: RunningService, parts: list[bytes]) -> None:
    _, ended = talk(impatient, *parts, pause=0.1)
    assert ended


def test_a_long_answer_is_not_a_slow_request(impatient: RunningService) -> None:
    with httpx.Client() as client:
        assert client.get(f"{impatient.url}/healthz").status_code == 200
        time.sleep(0.8)
        assert client.get(f"{impatient.url}/healthz").status_code == 200


@pytest.mark.parametrize(
    "parts",
    [
        [GET + b"X: " + b"a" * 40_000 + b"\r\n\r\n"],
        [GET + b"".join(b"X%d: a\r\n" % n for n in range(10_000)) + b"\r\n"],
        [GET + b"X: ", *[b"a" * 10_000] * 5],
        [b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"],
    ],
)
def test_a_head_has_a_limit(any_service: RunningService, parts: list[bytes]) -> None:
    statuses, ended = talk(any_service, *parts)
    assert (set(statuses) <= {400}, ended) == (True, True)


def test_a_body_has_a_limit_also_in_chunks(any_service: RunningService) -> None:
    declared = talk(any_service, POST + b"Content-Length: 3000000\r\n\r\n")
    assert declared == ([413], True)
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    assert talk(any_service, POST + CHUNKED + b"\r\n", *[chunk] * 40)[0] == [413]


def test_a_flood_of_connections_leaves_files_for_the_work(
    database_url: str, tmp_path: Path
) -> None:
    """Who has a connection goes on being served, hits and submissions too; then all is well."""
    log, limited = tmp_path / "log", ["bash", "-c", 'ulimit -n 160; exec "$@"', "-"]
    with (
        serve_process(
            tmp_path / "data", database_url=database_url, log=log, prefix=limited
        ) as service,
        httpx.Client(base_url=service.url, timeout=PATIENCE_S) as client,
    ):
        assert client.get("/healthz").status_code == 200
        with ExitStack() as flood:
            for _ in range(300):
                address = ("127.0.0.1", port_of(service))
                flood.enter_context(socket.create_connection(address))
            wait_until(lambda: b"no more are taken" in log.read_bytes())
            kept = random_pdq(1)
            assert client.post("/v1/cases", json=submission(kept)).status_code == 201
            assert client.get("/readyz").json()["reasons"] == []
        wait_until(service.is_ready)
    assert log.read_bytes().count(b"no more are taken") == 1
    assert b"Too many open files" not in log.read_bytes()


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "POST"])
def test_no_other_origin_may_read_an_answer(any_service: RunningService, method: str) -> None:
    headers = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    for path in ("/v1/cases", "/v1/match", "/healthz", "/docs"):
        answer = httpx.request(method, any_service.url + path, headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


ODD_BODIES = [
    b"",
    b"null",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"images": ' + b"9" * 5_000 + b"}",
    json.dumps({"pin": PIN, "images": "\ud800"}).encode(),
]


def test_the_log_holds_no_address_and_nothing_that_was_sent(
    database_url: str, tmp_path: Path
) -> None:
    """A real service process, odd input, and what it wrote to standard error."""
    log, secret = tmp_path / "log", random_pdq(1)
    with serve_process(tmp_path / "data", database_url=database_url, log=log) as service:
        _be_odd(service, secret)
    written = log.read_text()
    assert "Invalid HTTP request" in written, "it was the log that was read"
    for leak in ("127.0.0.1", secret, PIN, PIN.replace("-", ""), "unseen_key", "a-path-of-mine"):
        assert leak not in written


def test_a_database_that_is_named_in_a_file_is_in_no_environment(
    database_url: str, tmp_path: Path
) -> None:
    """Whoever lists processes, or a container's settings, sees where the secret is, not what."""
    secret = tmp_path / "database_url"
    secret.write_text(database_url)
    with serve_process(tmp_path / "data", DATABASE_URL_FILE=str(secret)) as service:
        family = psutil.Process(service.process.pid).children(recursive=True)
        environments = [each.environ() for each in family]
    assert [each for each in environments if each.get("DATABASE_URL_FILE") == str(secret)]
    assert not [each for each in environments if database_url in each.values()]


@pytest.mark.skipif(
    hasattr(faiss, "GpuIndexBinaryFlat") and faiss.get_num_gpus() > 0,
    reason="needs a machine without a CUDA device",
)
def test_a_gpu_that_is_not_there_is_told_in_the_log(database_url: str, tmp_path: Path) -> None:
    """What a library warns of is a line of JSON, as all that is logged."""
    log, data = tmp_path / "log", tmp_path / "data"
    with serve_process(data, database_url=database_url, log=log, UNSEEN_DEVICE="cuda"):
        pass
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    warned = [line["message"] for line in lines if line["level"] == "warning"]
    assert warned
    assert all("CUDA" in message for message in warned)


def _be_odd(service: RunningService, secret: str) -> None:
    cases = f"{service.url}/v1/cases"
    talk(service, GET + b"X : " + secret.encode() + b"\r\n\r\n")
    for body in ODD_BODIES:
        answer = httpx.post(cases, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (413, 422)
    httpx.post(cases, json=submission(secret)).raise_for_status()
    httpx.post(cases, json=submission(secret) | {"pin": "x"})
    httpx.get(f"{cases}/UN-0000-0000", headers={"Unseen-Pin": PIN})
    headers = {"Authorization": "Bearer unseen_key"}
    httpx.post(f"{service.url}/v1/match", json={"hashes": [secret]}, headers=headers)
    httpx.get(f"{service.url}/a-path-of-mine?pin={PIN}")


def test_the_limits_are_in_the_threat_model() -> None:
    text = (Path(__file__).parents[2] / "docs/threat-model.md").read_text()
    assert f"{HttpProtocol.LONGEST_S:.0f} s" in text
    assert f"{HttpProtocol.LARGEST_HEAD // 1024} KiB" in text
    assert f"{HttpProtocol.MOST_WAITING} wait" in text
