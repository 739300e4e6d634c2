"""The command and the SDK against a server that means harm, over real connections."""

import asyncio
import copy
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from unseen import (
    AsyncClient,
    Client,
    Feedback,
    Retry,
    ServerUnreachableError,
    Submission,
    UnavailableError,
    UnexpectedAnswerError,
)
from unseen.cli.run import main

from tests.support.environment import clean_environment

from .feeds import active, gone, pdq_of, record
from .pictures import fill
from .servers import CASE, Act, problem, scripted

ONCE = Retry(attempts=1)
KEY = "unseen_key"
PIN = "7K4M-9QTX-2HBD"


# --- a server of bytes --------------------------------------------------------------------------


@contextmanager
def raw_server(answer: Callable[[socket.socket, bytes], None]) -> Iterator[str]:
    """Serve connections with a function that gets the socket and the request as it came."""
    listening = socket.create_server(("127.0.0.1", 0))
    stopped = threading.Event()

    def serve(connection: socket.socket) -> None:
        with closing(connection), suppress(OSError):
            connection.settimeout(10)
            request = connection.recv(1 << 16)
            while b"\r\n\r\n" not in request:
                request += connection.recv(1 << 16)
            answer(connection, request)

    def accept() -> None:
        while not stopped.is_set():
            with suppress(OSError):
                connection, _ = listening.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        stopped.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def drip(connection: socket.socket, *parts: bytes, every: float = 0.05) -> None:
    """Send parts, one byte now and then, until the client leaves."""
    for part in parts:
        for byte in part:
            connection.sendall(bytes([byte]))
            time.sleep(every)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
DRIPPING = {
    "body": lambda c, _: (c.sendall(HEAD + b"Content-Length: 9999\r\n\r\n"), drip(c, b" " * 9999)),
    "headers": lambda c, _: (c.sendall(HEAD), drip(c, b"X-A: " + b"x" * 9999)),
    "status line": lambda c, _: drip(c, b"HTTP/1.1 200 " + b"x" * 9999),
    "chunks": lambda c, _: (
        c.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n"),
        drip(c, b"1\r\n \r\n" * 999),
    ),
    "informational responses": lambda c, _: drip(
        c, b"HTTP/1.1 102 Processing\r\n\r\n" * 999, every=0.002
    ),
}


@pytest.mark.parametrize("answer", DRIPPING.values(), ids=DRIPPING)
def test_a_dripping_answer_ends(answer: Callable[[socket.socket, bytes], None]) -> None:
    """Each byte comes well within the timeout of a read; the exchange as a whole is limited."""
    with raw_server(answer) as url:
        client = Client(url, KEY, timeout=0.3, retry=Retry(attempts=9))
        began = time.monotonic()
        with client, pytest.raises(ServerUnreachableError, match="too slowly"):
            client.match([pdq_of(1)])
        assert time.monotonic() - began < 10  # with no limit: 9,999 bytes take 500 s


def test_a_dripping_answer_ends_for_the_asynchronous_client() -> None:
    async def ask(url: str) -> None:
        async with AsyncClient(url, KEY, timeout=0.3, retry=Retry(attempts=9)) as client:
            await client.match([pdq_of(1)])

    slow = pytest.raises(ServerUnreachableError, match="too slowly")
    with raw_server(DRIPPING["body"]) as url, slow:
        asyncio.run(ask(url))


def test_a_server_that_hardly_reads_is_left() -> None:
    """It takes a little of a large request now and then."""

    def answer(connection: socket.socket, _: bytes) -> None:
        while connection.recv(2_000):
            time.sleep(0.02)

    once: dict[str, Any] = {"timeout": 0.3, "retry": ONCE}
    left = pytest.raises(ServerUnreachableError)
    with raw_server(answer) as url, Client(url, KEY, **once) as client, left:
        client.match([pdq_of(1)] * 10_000)


def test_an_endless_body_is_not_read_to_its_end(tmp_path: Path) -> None:
    sent = 0

    def answer(connection: socket.socket, _: bytes) -> None:
        nonlocal sent
        connection.sendall(HEAD + b"\r\n")
        for _ in range(7_000):  # 446 MB
            sent += connection.send(b" " * (1 << 16))

    async def ask(url: str) -> None:
        async with AsyncClient(url, retry=ONCE) as client:
            await client.status("UN-7K4M-9QTX", PIN)

    with raw_server(answer) as url:
        large = pytest.raises(UnexpectedAnswerError, match="too large")
        with Client(url, retry=ONCE) as client, large:
            client.status("UN-7K4M-9QTX", PIN)
        with pytest.raises(UnexpectedAnswerError, match="too large"):
            asyncio.run(ask(url))
    assert sent < 64 << 20


# --- proof of work ------------------------------------------------------------------------------


def work(puzzles: Any, target: Any, challenge: Any = "1.2.3") -> Act:
    asked = {"challenge": challenge, "puzzles": puzzles, "target": target}
    return problem(429, "work-required", "Busy.", work=asked)


@pytest.mark.parametrize(
    ("puzzles", "target"), [(1, 2), (64, 1_000), (8, (8 << 32) // ((1 << 28) + 100))]
)
def test_work_beyond_the_cap_is_refused_with_a_message(puzzles: int, target: int) -> None:
    statements = {"adult": True, "depicted": True, "without_consent": True}
    body = {"images": [], "statements": statements, "pin": PIN}
    refused = pytest.raises(UnavailableError, match="more computing")
    with scripted(work(puzzles, target)) as server, Client(server.url) as client, refused as caught:
        client.submit(Submission(body, "k" * 22))
    assert "fewer images" in caught.value.hint
    assert len(server.seen) == 1


# --- what is printed ----------------------------------------------------------------------------


def run(*arguments: str, url: str, monkeypatch: pytest.MonkeyPatch) -> int:
    for name, value in (("SERVER", url), ("KEY", KEY), ("PIN", PIN)):
        monkeypatch.setenv(f"UNSEEN_{name}", value)
    return main(arguments)


FORGED = "Example\nCase UN-0000-0000: withdrawn\r\x1b[2J\u202etxet\u2028next\x9b1m\ud800"


def lines_of(text: str) -> list[str]:
    """Return the lines of an output; every character of it may be shown on a terminal."""
    odd = {char for char in text if char != "\n" and unicodedata.category(char)[0] == "C"}
    assert not odd, odd
    assert "\u2028" not in text
    return text.split("\n")


def test_a_platform_cannot_forge_lines_by_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case = copy.deepcopy(CASE)
    case["platforms"] = [
        {"platform": FORGED, "matches": 1},
        {"platform": "x" * 9_999, "matches": 1},
    ]
    with scripted(Act(200, case)) as server:
        assert run("status", "UN-7K4M-9QTX", url=server.url, monkeypatch=monkeypatch) == 0
    shown = lines_of(capsys.readouterr().out)
    assert len(shown) == 5  # the case, its image, two platforms, the end
    assert shown[2].startswith("  Example")
    assert len(shown[3]) < 400


@pytest.mark.parametrize("member", ["detail", "title"])
def test_an_error_cannot_forge_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], member: str
) -> None:
    body = {"type": "urn:unseen:problem:invalid-request", member: FORGED}
    body |= {"errors": [{"at": FORGED, "detail": FORGED}] * 200}  # type: ignore[dict-item]
    with scripted(Act(422, body)) as server:
        assert run("match", pdq_of(1), url=server.url, monkeypatch=monkeypatch) == 1
    shown = lines_of(capsys.readouterr().err)
    assert len(shown) == 103  # the error, 100 fields, the hint, the end
    assert not any(line.startswith("Case") for line in shown)


def test_a_name_that_the_terminal_cannot_show_is_no_traceback() -> None:
    case = {**CASE, "platforms": [{"platform": "Überall ☃", "matches": 1}]}
    with scripted(Act(200, case)) as server:
        done = subprocess.run(
            [sys.executable, "-m", "unseen", "status", "UN-7K4M-9QTX"],
            env=clean_environment(
                UNSEEN_SERVER=server.url, UNSEEN_PIN=PIN, PYTHONIOENCODING="ascii", LC_ALL="C"
            ),
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert "berall" in done.stdout


@pytest.mark.parametrize("retry_after", ["\xb2", "9" * 400, "-1", "1e3", "\u0661", "nan"])
def test_an_odd_retry_after_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], retry_after: str
) -> None:
    def answer(connection: socket.socket, _: bytes) -> None:
        head = b"HTTP/1.1 429 No\r\nContent-Length: 2\r\nRetry-After: "
        connection.sendall(head + retry_after.encode("utf-8") + b"\r\n\r\n{}")
        connection.shutdown(socket.SHUT_WR)

    with raw_server(answer) as url:
        assert run("match", pdq_of(1), url=url, monkeypatch=monkeypatch) == 1
    assert "Try again after" not in capsys.readouterr().err


# --- proxies and cookies ------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_requests_to_this_machine_do_not_go_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch, variable: str, host: str
) -> None:
    """The proxy would see the PIN, in clear."""

    async def ask(url: str) -> None:
        async with AsyncClient(url, retry=ONCE) as client:
            await client.status("UN-7K4M-9QTX", PIN)

    with scripted(Act(200, CASE)) as proxy, scripted(Act(200, CASE)) as server:
        monkeypatch.setenv(variable, proxy.url)
        url = server.url.replace("127.0.0.1", host)
        with Client(url, retry=ONCE) as client:
            client.status("UN-7K4M-9QTX", PIN)
        asyncio.run(ask(url))
        assert (len(proxy.seen), len(server.seen)) == (0, 2)
        with Client("http://unseen.example", retry=ONCE, insecure=True) as client:
            client.status("UN-7K4M-9QTX", PIN)
        assert len(proxy.seen) == 1  # for another machine it is used as before


def test_no_cookie_is_kept() -> None:
    cookie = {"Set-Cookie": "person=1; Path=/; Max-Age=99999"}
    with scripted(Act(200, CASE, cookie)) as server, Client(server.url, retry=ONCE) as client:
        client.status("UN-7K4M-9QTX", PIN)
        client.status("UN-7K4M-9QTX", PIN)
    assert all("cookie" not in request.headers for request in server.seen)


# --- every command against mutated answers ------------------------------------------------------

MATCHES = {
    "generation": 9,
    "hits": [
        {"query": 0, "record": record(1), "distance": 3, "view": "mirror", "standing": "disputed"}
    ],
}
PLATFORM = {
    "platform": "Example",
    "matches": 2,
    "first_match_at": "2026-11-22T13:40:00Z",
    "last_match_at": "2026-11-22T13:40:00Z",
    "delivered_at": "2026-11-22T13:40:00Z",
    "feedback": "removed",
    "removed_at": "2026-11-22T13:40:00Z",
    "withdrawal_confirmed_at": None,
}
FULL_CASE = {**CASE, "platforms": [PLATFORM]}
PAGE = {
    "entries": [active(1, 1, feedback={"removed": 1}), gone(2, 2)],
    "cursor": "c",
    "more": False,
}
CONFIRMED = {"confirmed": [record(2)], "active": []}
PROBLEM = {
    "type": "urn:unseen:problem:work-required",
    "title": "Title",
    "detail": "Detail.",
    "status": 429,
    "errors": [{"at": "a.b", "detail": "c"}],
    "work": {"challenge": "1.2.3", "puzzles": 8, "target": 1 << 32},
}
COMMANDS: dict[str, tuple[tuple[str, ...], list[Any]]] = {
    "submit": (("submit", "--adult", "--depicted", "--without-consent", "photo.png"), [FULL_CASE]),
    "status": (("status", "UN-7K4M-9QTX"), [FULL_CASE]),
    "withdraw": (("withdraw", "--yes", "UN-7K4M-9QTX", "--image", "1"), [FULL_CASE]),
    "match": (("match", pdq_of(1)), [MATCHES]),
    "mirror": (("mirror",), [PAGE, CONFIRMED]),
    "feedback": (("feedback", record(1), "removed"), [{"accepted": 1, "new": 1}]),
}
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1 << 64,
    10**30,
    1.5,
    "",
    "x" * 70_000,
    FORGED,
    "\ud800",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    [],
    {},
    [[[]]],
    {"a": {"b": 1}},
    "__raw__1e999",
    "__raw__NaN",
    "__raw__-Infinity",
    "__raw__" + "9" * 5_000,
    "__raw__" + "[" * 60_000 + "]" * 60_000,
    '__raw__"\\ud800\\udbff"',
)
HEADERS = (
    b"",
    b"Content-Encoding: gzip\r\n",
    b"Content-Encoding: br\r\n",
    b"Content-Encoding: \xff\r\n",
    b"Content-Type: text/html; charset=utf-16\r\n",
    b"Location: //[\r\n",
    b"Location: http://\xff\xfe:99999999/\r\n",
    b"Retry-After: \xb2\r\n",
    b"Retry-After: 99999999999999\r\n",
    b"Set-Cookie: a=b; expires=Mon, 99 Foo 99999 99:99:99 GMT; domain=\xff\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Length: 5\r\n",
    b"X: y\x00z\r\n",
    b"broken header\r\n",
    b"X: " + b"y" * 200_000 + b"\r\n",
)
STATUSES = (
    100,
    101,
    199,
    200,
    200,
    200,
    201,
    204,
    206,
    301,
    304,
    400,
    404,
    410,
    422,
    429,
    500,
    999,
)
LINES = (b"HTTP/1.1 %d OK\r\n", b"HTTP/1.0 %d\r\n", b"HTTP/9.9 %d OK\r\n", b"%d\r\n", b"\xff%d\r\n")


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every place in a JSON document, as its container and the key in that."""
    if isinstance(value, dict):
        items = list(value.items())
    else:
        items = list(enumerate(value)) if isinstance(value, list) else []
    return [(value, key) for key, _ in items] + [
        place for _, inner in items for place in places(inner)
    ]


def mutated(chance: random.Random, document: Any) -> bytes:
    """Return a document's bytes after one to three changes."""
    changed = {"": copy.deepcopy(document)}
    for _ in range(chance.randrange(1, 4)):
        container, key = chance.choice(places(changed))
        if chance.random() < 0.2 and container is not changed:
            if isinstance(container, dict):
                container.pop(key)
            else:
                container.extend([container[key]] * chance.choice((1, 20_000)))
        else:
            container[key] = copy.deepcopy(chance.choice(VALUES))
    text = json.dumps(changed[""])
    while '"__raw__' in text:
        begin = text.index('"__raw__')
        end = text.index('"', begin + 1)
        while text[end - 1] == "\\":
            end = text.index('"', end + 1)
        raw = json.loads(text[begin : end + 1]).removeprefix("__raw__")
        text = text[:begin] + raw + text[end + 1 :]
    body = text.encode()
    if chance.random() < 0.1:
        body = body[: chance.randrange(len(body) + 1)] + chance.choice(
            (b"", b"\xff\xfe", b"\0" * 9)
        )
    return body


def response(chance: random.Random, body: bytes) -> bytes:
    """Return a response that is valid in most cases."""
    status, header, line = 200, b"", LINES[0]
    if chance.random() < 0.3:
        status, header = chance.choice(STATUSES), chance.choice(HEADERS)
        line = LINES[0] if chance.random() < 0.8 else chance.choice(LINES)
    length = b"" if b"Length" in header else b"Content-Length: %d\r\n" % len(body)
    return line % status + header + length + b"Connection: close\r\n\r\n" + body


@pytest.mark.parametrize("name", COMMANDS)
def test_no_answer_ends_a_command_in_a_traceback(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Answers and problems with one to three things wrong; HOSTILE_ANSWERS=5000 tries more."""
    arguments, documents = COMMANDS[name]
    fill(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("unseen.retries.Retry.wait", lambda *_: 0.0)
    chance = random.Random(name)
    codes: dict[int, int] = {}

    def answer(connection: socket.socket, request: bytes) -> None:
        is_confirmation = request.startswith(b"POST /v1/withdrawals")
        document = documents[-1] if is_confirmation else documents[0]
        if chance.random() < 0.2:
            document = PROBLEM
        body = mutated(chance, document) if chance.random() < 0.7 else json.dumps(document).encode()
        content = response(chance, body)
        if document is PROBLEM and chance.random() < 0.8:
            content = content.replace(b" 200 ", b" 429 ", 1)
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)

    with raw_server(answer) as url:
        for _ in range(int(os.environ.get("HOSTILE_ANSWERS", "60"))):
            code = run(*arguments, url=url, monkeypatch=monkeypatch)
            codes[code] = codes.get(code, 0) + 1
            shown = capsys.readouterr()
            for line in lines_of(shown.out) + lines_of(shown.err):
                assert not line.startswith("Case UN-0000-0000")
    assert set(codes) <= {0, 1, 2, 4}
    assert codes.get(0), "no answer was accepted"
    assert len(codes) > 1, "no answer was refused"


@pytest.mark.parametrize("new", [1 << 64, "1", 1.5, None, [1]])
def test_feedback_of_the_sdk_is_checked(new: Any) -> None:
    refused = pytest.raises(UnexpectedAnswerError)
    answer = Act(200, {"accepted": 1, "new": new})
    with scripted(answer) as server, Client(server.url, KEY, retry=ONCE) as client, refused:
        client.feedback([Feedback(record(1), "removed")])
