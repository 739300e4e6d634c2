"""Requests without a key get a limited share of the event loop; lookups get the rest."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, ClassVar

import httpx
import pytest
from unseen_service.api.json_routes import MAX_LARGE_BODIES
from unseen_service.ratelimit.loop_share import LoopShare
from unseen_service.runtime.http_protocol import HttpProtocol

from tests.support.hashes import new_pdq
from tests.support.problems import problem_slug
from tests.support.running_service import RunningService, serving
from tests.support.submissions import submission
from tests.support.waiting import wait_until

FLOOD = """
import asyncio, sys

async def repeat(port, request):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        writer.write(request)
        head = await reader.readuntil(b"\\r\\n\\r\\n")
        length = head.lower().split(b"content-length: ")[1].split(b"\\r\\n")[0]
        await reader.readexactly(int(length))

async def main():
    port, request, count = int(sys.argv[1]), sys.argv[2].encode(), int(sys.argv[3])
    await asyncio.gather(*(repeat(port, request) for _ in range(count)))

asyncio.run(main())
"""
SECONDS = 2.0


class Watched(HttpProtocol):
    """The service's protocol; a test can reach its event loop, and sees how many are connected."""

    alive: ClassVar[set["Watched"]] = set()

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.alive.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.alive.discard(self)
        super().connection_lost(exc)


def cpu_seconds(loop: asyncio.AbstractEventLoop) -> float:
    """Return the CPU time that an event loop's thread has used."""

    async def measure() -> float:
        return time.thread_time()

    return asyncio.run_coroutine_threadsafe(measure(), loop).result()


@contextmanager
def flooding(service: RunningService, request: str, connections: int) -> Iterator[None]:
    """Repeat a request without a pause over so many connections, from another process."""
    port = service.url.rpartition(":")[2]
    command = [sys.executable, "-c", FLOOD, port, request, str(connections)]
    with subprocess.Popen(command) as process:
        try:
            wait_until(lambda: len(Watched.alive) >= connections)
            yield
        finally:
            process.kill()


@pytest.mark.parametrize("path", ["/openapi.json", "/healthz", "/v1/audit"])
def test_flood_without_a_key_leaves_most_of_the_event_loop(database_url: str, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer unknown\r\n\r\n"
    with serving(database_url, protocol=Watched) as service, flooding(service, request, 100):
        loop = next(iter(Watched.alive)).loop
        before, began = cpu_seconds(loop), time.monotonic()
        time.sleep(SECONDS)
        used = cpu_seconds(loop) - before
        assert used < 0.55 * (time.monotonic() - began)
        # A health check is answered, whatever else waits.
        assert httpx.get(f"{service.url}/readyz", timeout=5.0).status_code == 200


def test_large_submissions_are_processed_one_after_another(database_url: str) -> None:
    """Beyond those that may wait, they are refused; small ones are not affected."""
    large = [submission(*(new_pdq() for _ in range(300))) for _ in range(MAX_LARGE_BODIES + 8)]
    with serving(database_url) as service, ThreadPoolExecutor(len(large)) as pool:
        start = threading.Barrier(len(large))

        def send(body: dict[str, Any]) -> httpx.Response:
            with httpx.Client(base_url=service.url, timeout=120) as client:
                client.get("/healthz")
                start.wait()
                return client.post("/v1/cases", json=body)

        sent = [pool.submit(send, each) for each in large]
        small = httpx.post(f"{service.url}/v1/cases", json=submission(new_pdq()), timeout=60)
        assert small.status_code == 201
        answers = [each.result() for each in sent]
    accepted = [each for each in answers if each.status_code != 503]
    assert len(accepted) >= MAX_LARGE_BODIES
    refused = [each for each in answers if each.status_code == 503]
    assert {problem_slug(each) for each in refused} <= {"unavailable"}
    assert all(each.headers["retry-after"] for each in refused)


def spin(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


async def keep_busy(seconds: float) -> None:
    spin(seconds)


def test_time_that_was_used_is_waited_for() -> None:
    async def run() -> float:
        share = LoopShare(share=0.5, burst_s=0.001)
        began = time.monotonic()
        for _ in range(5):
            await share.run(lambda: keep_busy(0.01))
        return time.monotonic() - began

    # The first starts at once. Each of the others waits until twice the time has passed.
    assert asyncio.run(run()) >= 4 * 0.01 / 0.5


def test_each_step_counts_and_waiting_does_not() -> None:
    async def steps(used: float) -> None:
        for _ in range(4):
            spin(used)
            await asyncio.sleep(0.02)

    async def run(used: float) -> float:
        share = LoopShare(share=0.1, burst_s=0.001)
        await share.run(lambda: steps(used))
        began = time.monotonic()
        await share.wait()
        return time.monotonic() - began

    assert asyncio.run(run(0.01)) > 0.2
    assert asyncio.run(run(0.0)) < 0.1


def test_waiting_requests_start_in_order_and_health_checks_between_them() -> None:
    started: list[str] = []

    async def note(name: str) -> None:
        started.append(name)
        spin(0.002)

    async def run() -> None:
        share = LoopShare(share=0.5, burst_s=0.001)
        await share.run(lambda: keep_busy(0.005))
        requests = [asyncio.create_task(share.run(lambda n=n: note(f"{n}"))) for n in range(6)]  # type: ignore[misc]
        check = asyncio.create_task(share.run(lambda: note("check"), is_check=True))
        await asyncio.sleep(0)
        requests[1].cancel()
        await asyncio.gather(*requests, check, return_exceptions=True)

    asyncio.run(run())
    assert [each for each in started if each != "check"] == ["0", "2", "3", "4", "5"]
    assert started.index("check") <= 1


def test_errors_and_cancellation_reach_the_work() -> None:
    seen: list[str] = []

    async def fail() -> None:
        await asyncio.sleep(0)
        raise LookupError

    async def wait_forever() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def run() -> None:
        share = LoopShare()
        with pytest.raises(LookupError):
            await share.run(fail)
        waiting = asyncio.create_task(share.run(wait_forever))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(run())
    assert seen == ["cancelled"]
