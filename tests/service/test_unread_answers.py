"""Clients that send requests and do not read the answers: they hold little, for a short time."""

import asyncio
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar

import httpx
from unseen_service.runtime.http_protocol import HttpProtocol
from unseen_service.runtime.start_turns import AT_ONCE, StartTurns
from unseen_service.runtime.unread_answers import UnreadAnswers

from tests.support.running_service import RunningService, serving
from tests.support.waiting import PATIENCE_S, wait_until

PAGE = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
READY = b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n"
PIPELINED = 16
LIMIT = 2 * 1024 * 1024


class Watched(HttpProtocol):
    """The service's protocol; it counts, and a test can reach its connections."""

    alive: ClassVar[set["Watched"]] = set()
    answered: ClassVar[list[str]] = []

    def connection_made(self, transport: Any) -> None:
        # Without this, the system would hold megabytes of what nobody reads.
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        super().connection_made(transport)
        type(self).alive.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        type(self).alive.discard(self)
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        assert self._answering is not None
        type(self).answered.append(self._answering.scope["path"])
        super().on_response_complete()

    @classmethod
    def stuck(cls) -> list["Watched"]:
        return [each for each in cls.alive.copy() if each.unread_bytes()]


class Impatient(Watched):
    UNREAD_TIMEOUT_S = 1.0
    UNREAD_PROGRESS_BYTES = 1_024
    alive: ClassVar[set[Watched]] = set()
    answered: ClassVar[list[str]] = []


class Frugal(Watched):
    alive: ClassVar[set[Watched]] = set()
    answered: ClassVar[list[str]] = []

    def _make_unread(self) -> UnreadAnswers:
        return UnreadAnswers(max_key_bytes=LIMIT, max_worker_bytes=LIMIT)


@contextmanager
def connected(service: RunningService, number: int = 1) -> Iterator[list[socket.socket]]:
    """Open connections whose system buffers little on the client's side."""
    host, _, port = service.url.removeprefix("http://").partition(":")
    with ExitStack() as stack:
        opened = []
        for _ in range(number):
            one = stack.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            one.settimeout(PATIENCE_S)
            one.connect((host, int(port)))
            opened.append(one)
        yield opened


def test_connection_whose_answers_are_not_read_is_ended(database_url: str) -> None:
    with serving(database_url, protocol=Impatient, until_ready=False) as service:
        with connected(service, 5) as clients:
            for each in clients:
                each.sendall(PAGE * PIPELINED)
            wait_until(lambda: len(Impatient.stuck()) == 5)
            wait_until(lambda: not Impatient.alive)
        assert httpx.get(f"{service.url}/healthz").status_code == 200


def test_slow_reader_receives_everything(database_url: str) -> None:
    """However long it takes, as long as it goes on."""
    with serving(database_url, protocol=Impatient, until_ready=False) as service:
        page = httpx.get(f"{service.url}/", headers={"Accept-Encoding": "identity"}).content
        with connected(service) as (client,):
            client.sendall(PAGE * 3)
            received, begun, paused = bytearray(), time.monotonic(), 0
            while received.count(page) < 3:
                part = client.recv(16_384)
                assert part, "the service has disconnected a slow client"
                received += part
                # Eight pauses, half as long as the limit each.
                if len(received) > paused * 3 * len(page) / 8:
                    paused += 1
                    time.sleep(Impatient.UNREAD_TIMEOUT_S / 2)
            assert time.monotonic() - begun > 3 * Impatient.UNREAD_TIMEOUT_S
    assert received.count(page) == 3


def test_unread_answers_of_a_worker_are_capped(database_url: str) -> None:
    """30 clients ask for 17 pages each; those that are stuck for longest are disconnected."""
    with serving(database_url, protocol=Frugal, until_ready=False) as service:
        with connected(service, 30) as clients:
            most = 0
            for number, each in enumerate(clients, start=1):
                each.sendall(PAGE * PIPELINED)
                wait_until(lambda n=number: Frugal.answered.count("/") >= n)  # type: ignore[misc]
                most = max(most, sum(one.unread_bytes() for one in Frugal.alive.copy()))
            page = len(
                httpx.get(f"{service.url}/", headers={"Accept-Encoding": "identity"}).content
            )
            # The cap, and the answer that exceeded it.
            assert most <= LIMIT + 2 * page
            assert len(Frugal.stuck()) < 30
        assert httpx.get(f"{service.url}/").status_code == 200


def test_next_request_waits_until_the_answer_before_is_read(database_url: str) -> None:
    """Sixteen pipelined requests cost one answer, not sixteen, while nobody reads."""

    class Counting(Watched):
        alive: ClassVar[set[Watched]] = set()
        answered: ClassVar[list[str]] = []

    with serving(database_url, protocol=Counting, until_ready=False) as service:
        page = httpx.get(f"{service.url}/", headers={"Accept-Encoding": "identity"}).content
        before = len(Counting.answered)
        with connected(service) as (client,):
            client.sendall(PAGE * PIPELINED)
            wait_until(Counting.stuck)
            answered = len(Counting.answered) - before
            assert httpx.get(f"{service.url}/healthz").status_code == 200
            (stuck,) = Counting.stuck()
            assert stuck.unread_bytes() < 2 * len(page)
            assert answered < PIPELINED
            received = bytearray()
            while received.count(page) < PIPELINED:
                part = client.recv(1 << 20)
                assert part
                received += part
    assert received.count(page) == PIPELINED


def test_flood_of_pipelined_requests_does_not_hold_up_readiness(database_url: str) -> None:
    """200 connections with 16 requests each arrive at once, and a health check after them all.

    Counted is what is answered before it: a turn or two, and not one request per connection.
    """

    class Flooded(Watched):
        alive: ClassVar[set[Watched]] = set()
        answered: ClassVar[list[str]] = []

    with (
        serving(database_url, protocol=Flooded) as service,
        connected(service, 200) as flood,
        connected(service) as (check,),
    ):
        wait_until(lambda: len(Flooded.alive) >= 201)
        held = threading.Event()
        loop = next(iter(Flooded.alive)).loop
        loop.call_soon_threadsafe(held.wait, PATIENCE_S)
        for each in flood:
            each.sendall(PAGE * PIPELINED)
        check.sendall(READY)
        before = len(Flooded.answered)
        held.set()
        assert b" 200 OK" in check.recv(65_536)
        assert "/readyz" in Flooded.answered[before:]
        assert Flooded.answered[before:].index("/readyz") <= 4 * AT_ONCE
    assert Flooded.answered.count("/readyz") >= 1


def test_each_turn_starts_a_few_requests_in_order() -> None:
    started: list[tuple[int, int]] = []
    turn = 0

    async def request(turns: StartTurns, number: int) -> None:
        await turns.take()
        started.append((turn, number))

    async def run() -> None:
        nonlocal turn
        turns = StartTurns()
        tasks = [asyncio.create_task(request(turns, n)) for n in range(10 * AT_ONCE)]
        tasks[50].cancel()
        while len(started) < 10 * AT_ONCE - 1:
            await asyncio.sleep(0)
            turn += 1

    asyncio.run(run())
    assert [number for _, number in started] == [n for n in range(10 * AT_ONCE) if n != 50]
    assert max(Counter(at for at, _ in started).values()) <= AT_ONCE


class FakeReader:
    """A connection with so many unread bytes."""

    def __init__(self, size: int, owner: int | None, since: float) -> None:
        self.size, self._owner, self.stuck_since = size, owner, since
        self.dropped = False

    def unread_bytes(self) -> int:
        return 0 if self.dropped else self.size

    def owner(self) -> int | None:
        return self._owner

    def drop(self) -> None:
        self.dropped = True


def test_key_with_too_many_unread_bytes_loses_its_oldest_connections_only() -> None:
    unread = UnreadAnswers(max_key_bytes=100, max_worker_bytes=1_000)
    other = FakeReader(90, owner=2, since=0)
    anonymous = [FakeReader(90, owner=None, since=0) for _ in range(3)]
    own = [FakeReader(40, owner=1, since=n) for n in (3, 1, 2)]
    for each in (other, *anonymous, *own):
        unread.note(each)
    assert [each.dropped for each in own] == [False, True, False]
    assert not other.dropped
    assert not any(each.dropped for each in anonymous)
    assert unread.total() == 90 + 270 + 80


def test_worker_with_too_many_unread_bytes_loses_its_oldest_connections() -> None:
    unread = UnreadAnswers(max_key_bytes=100, max_worker_bytes=250)
    readers = [FakeReader(90, owner=n, since=-n) for n in range(5)]
    for each in readers:
        unread.note(each)
        assert unread.total() <= 250
    assert [each.dropped for each in readers] == [False, False, True, True, True]
    unread.forget(readers[0])
    assert unread.total() == 90
