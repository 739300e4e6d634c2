"""Hostile HTTP: ambiguous, slow, large and malformed requests."""

import json
import re
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
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
from tests.support.selection import is_root
from tests.support.submissions import PIN, submission
from tests.support.waiting import PATIENCE_S, wait_until

POST = b"POST /v1/cases HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"
NEXT = GET + b"\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def port_of(service: RunningService) -> int:
    return int(service.url.rsplit(":", 1)[1])


def talk(service: RunningService, *parts: bytes, pause: float = 0.0) -> tuple[list[int], bool]:
    """Send bytes as they are; return the statuses received and whether the service hung up."""
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


def test_response_is_sent_in_one_piece(any_service: RunningService) -> None:
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
def test_ambiguous_request_closes_the_connection(
    any_service: RunningService, request_: bytes
) -> None:
    """Nothing that follows it, smuggled or not, is read as a request."""
    assert talk(any_service, request_ + NEXT) == ([400], True)


def test_pipelined_requests_are_answered_in_order(any_service: RunningService) -> None:
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
def test_malformed_request_does_not_answer_an_earlier_one(
    any_service: RunningService, before: bytes, broken: bytes
) -> None:
    """The client would take an early 400 for the response to an earlier, valid request."""
    statuses, ended = talk(any_service, before + broken + NEXT)
    assert ended
    assert statuses in ([], [200], [200, 422])


@pytest.mark.parametrize("to", [b"websocket", b"h2c"])
def test_upgrade_request_is_answered_and_closes_the_connection(
    any_service: RunningService, to: bytes
) -> None:
    """Nothing that follows is read, so no client should wait for a response to it."""
    upgrade = GET + b"Connection: Upgrade\r\nUpgrade: " + to + b"\r\n\r\n"
    assert talk(any_service, upgrade + NEXT) == ([200], True)


@pytest.mark.parametrize(
    "body", [b"Content-Length: 2\r\n\r\n{}", CHUNKED + b"\r\n2\r\n{}\r\n0\r\n\r\n"]
)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_body_of_an_upgrade_request_is_read(
    any_service: RunningService, body: bytes, size: int
) -> None:
    """Java's client and curl --http2 lost it: they ask for HTTP/2 on their first request."""
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"
    sent, answer = POST + upgrade + body + NEXT, b""
    with socket.create_connection(("127.0.0.1", port_of(any_service))) as connection:
        connection.settimeout(PATIENCE_S)
        for start in range(0, len(sent), size):
            connection.sendall(sent[start : start + size])
        while received := connection.recv(65_536):
            answer += received
    assert answer.startswith(b"HTTP/1.1 422 ")
    assert b"images: This field is missing" in answer, "the body was not read"
    assert answer.count(b"HTTP/1.1 ") == 1


def test_body_that_was_refused_is_read_slowly(any_service: RunningService) -> None:
    """A hundred connections that sent such bodies made lookups wait 40 times longer."""
    size = 1_900_000
    head = POST + f"Content-Length: {size}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port_of(any_service))) as connection:
        connection.settimeout(PATIENCE_S)
        connection.sendall(head)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413 ")
        began = time.monotonic()
        connection.sendall(bytes(size) + NEXT)
        answer = connection.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 200 "), "the connection goes on"
    reads = size / (256 * 1024)
    assert time.monotonic() - began > (reads - 1) * HttpProtocol.UNWANTED_PAUSE_S / 2


@pytest.mark.parametrize("trailer", [b"X: y\r\n", b"X: y\r\n" * 200_000])
def test_trailer_fields_close_the_connection(any_service: RunningService, trailer: bytes) -> None:
    """They would be late headers, without a limit on their number."""
    body = b"\r\n2\r\n{}\r\n0\r\n"
    statuses, ended = talk(any_service, POST + CHUNKED + body + trailer + b"\r\n" + NEXT)
    assert ended
    assert statuses in ([], [400])


def test_request_gets_one_response_even_if_its_body_is_malformed(
    any_service: RunningService,
) -> None:
    """A 401 is sent before the body is read; a malformed body causes no second response."""
    head = b"POST /v1/match HTTP/1.1\r\nHost: a\r\n" + CHUNKED + b"\r\n"
    assert talk(any_service, head, b"0x2\r\n", pause=0.2) == ([401], True)


def test_number_of_waiting_requests_is_limited(any_service: RunningService) -> None:
    """A client that sends a million requests and reads no responses is disconnected."""
    with socket.create_connection(("127.0.0.1", port_of(any_service))) as connection:
        connection.settimeout(5.0)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            for _ in range(1_000):
                connection.sendall(NEXT * 1_000)
    assert httpx.get(f"{any_service.url}/healthz").status_code == 200
    assert talk(any_service, NEXT * (HttpProtocol.MAX_PIPELINED + 1))[0] == [200] * 17


@pytest.fixture
def log(
    any_service: RunningService, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> pytest.LogCaptureFixture:
    """Everything that the service logs; uvicorn's loggers do not propagate by default."""
    monkeypatch.setattr("uvicorn.server.logger.parent.propagate", True)
    return caplog


def test_disconnect_before_the_response_logs_no_error(
    any_service: RunningService, log: pytest.LogCaptureFixture
) -> None:
    linger = struct.pack("ii", 1, 0)
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", port_of(any_service))) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            connection.sendall(NEXT * 8)
    assert httpx.get(f"{any_service.url}/healthz").status_code == 200
    assert not [each for each in log.records if each.exc_info]


def test_disconnect_during_a_lookup_logs_no_error(
    any_service: RunningService, log: pytest.LogCaptureFixture
) -> None:
    key = any_service.key("match").encode()
    half = (
        b"POST /v1/match HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key + b"\r\n"
        b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", port_of(any_service))) as connection:
            connection.sendall(half)
            # Once this is answered, the other request waits for its body.
            assert httpx.get(f"{any_service.url}/healthz").status_code == 200
    assert httpx.get(f"{any_service.url}/healthz").status_code == 200
    assert not [each for each in log.records if each.exc_info]


@pytest.fixture(scope="module")
def impatient(postgres: str) -> Iterator[RunningService]:
    class Impatient(HttpProtocol):
        REQUEST_TIMEOUT_S = 0.5

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
def test_slow_client_is_disconnected(impatient: RunningService, parts: list[bytes]) -> None:
    _, ended = talk(impatient, *parts, pause=0.1)
    assert ended


def test_slow_response_does_not_count_as_a_slow_request(impatient: RunningService) -> None:
    """Neither does the time that a connection is idle after a response."""
    with impatient.client("feed") as platform:
        begun = time.monotonic()
        assert platform.get("/v1/hashes", params={"wait": 1}).status_code == 200
        assert time.monotonic() - begun > 0.9, "the response was not slow"
    with socket.create_connection(("127.0.0.1", port_of(impatient))) as connection:
        for pause in (0.8, 0):
            connection.sendall(NEXT)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
            time.sleep(pause)


@pytest.mark.parametrize(
    "parts",
    [
        [GET + b"X: " + b"a" * 40_000 + b"\r\n\r\n"],
        [GET + b"".join(b"X%d: a\r\n" % n for n in range(10_000)) + b"\r\n"],
        [GET + b"X: ", *[b"a" * 10_000] * 5],
        [b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"],
    ],
)
def test_request_head_is_limited(any_service: RunningService, parts: list[bytes]) -> None:
    statuses, ended = talk(any_service, *parts)
    assert (set(statuses) <= {400}, ended) == (True, True)


def test_request_body_is_limited_even_if_chunked(any_service: RunningService) -> None:
    declared = talk(any_service, POST + b"Content-Length: 3000000\r\n\r\n")
    assert declared == ([413], True)
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    assert talk(any_service, POST + CHUNKED + b"\r\n", *[chunk] * 40)[0] == [413]


def test_connection_flood_leaves_file_descriptors_for_requests(
    database_url: str, tmp_path: Path
) -> None:
    """Existing connections are still served, submissions too; afterwards all is normal."""
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
            wait_until(lambda: b"new ones are refused" in log.read_bytes())
            pdq = random_pdq(1)
            assert client.post("/v1/cases", json=submission(pdq)).status_code == 201
            assert client.get("/readyz").json()["reasons"] == []
        wait_until(service.is_ready)
    assert log.read_bytes().count(b"new ones are refused") == 1
    assert b"Too many open files" not in log.read_bytes()


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "POST"])
def test_other_origins_cannot_read_responses(any_service: RunningService, method: str) -> None:
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


def test_log_contains_no_address_and_no_request_data(database_url: str, tmp_path: Path) -> None:
    """A real service process gets malformed requests; its standard error is checked."""
    log, secret = tmp_path / "log", random_pdq(1)
    with serve_process(tmp_path / "data", database_url=database_url, log=log) as service:
        _send_odd_requests(service, secret)
    written = log.read_text()
    assert "Invalid HTTP request" in written, "this is not the log of the service"
    for leak in ("127.0.0.1", secret, PIN, PIN.replace("-", ""), "unseen_key", "a-secret-path"):
        assert leak not in written


def test_database_url_from_a_file_is_in_no_environment(database_url: str, tmp_path: Path) -> None:
    """Anyone who lists processes or a container's settings sees the secret's path only."""
    secret = tmp_path / "database_url"
    secret.write_text(database_url)
    with serve_process(tmp_path / "data", DATABASE_URL_FILE=str(secret)) as service:
        family = psutil.Process(service.process.pid).children(recursive=True)
        environments = []
        for each in family:
            with suppress(psutil.AccessDenied):  # no core dumps: only root reads it
                environments.append(each.environ())
    if is_root():
        assert [each for each in environments if each.get("DATABASE_URL_FILE") == str(secret)]
    assert not [each for each in environments if database_url in each.values()]


@pytest.mark.skipif(
    hasattr(faiss, "GpuIndexBinaryFlat") and faiss.get_num_gpus() > 0,
    reason="needs a machine without a CUDA device",
)
def test_missing_gpu_is_logged(database_url: str, tmp_path: Path) -> None:
    """Warnings of libraries are logged as JSON lines, like everything else."""
    log, data = tmp_path / "log", tmp_path / "data"
    with serve_process(data, database_url=database_url, log=log, UNSEEN_DEVICE="cuda"):
        pass
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    warned = [line["message"] for line in lines if line["level"] == "warning"]
    assert warned
    assert all("CUDA" in message for message in warned)


def _send_odd_requests(service: RunningService, secret: str) -> None:
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
    httpx.get(f"{service.url}/a-secret-path?pin={PIN}")


def test_limits_are_in_the_threat_model() -> None:
    text = (Path(__file__).parents[2] / "docs/threat-model.md").read_text()
    assert f"{HttpProtocol.REQUEST_TIMEOUT_S:.0f} s" in text
    assert f"{HttpProtocol.MAX_HEAD_BYTES // 1024} KiB" in text
    assert f"{HttpProtocol.MAX_PIPELINED} wait" in text
