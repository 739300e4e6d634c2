"""Limits requests without a key to a share of a worker's event loop: lookups get the rest.

Anyone may send them, as often as they like. A worker answers everything in one thread, so without
a limit a hundred connections that repeat a costly request would keep it from lookups.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from typing import Any

SHARE = 0.25
"""Of the event loop's time, what requests without a key use at most, on average."""
BURST_S = 0.004
"""What they may use at once, after a time without any."""
RESERVED_S = 0.001
"""Reserved for a request when it starts, until its real cost is known."""
OVERHEAD_S = 0.0001
"""What a request costs before and after the application: parsing its head, sending its answer."""

_Queue = deque[asyncio.Future[None]]


class LoopShare:
    """The share of one worker. Waiting requests start in order of arrival.

    Health checks have a queue of their own, and the two queues take turns: a flood of one kind
    does not delay the other.
    """

    def __init__(self, share: float = SHARE, burst_s: float = BURST_S) -> None:
        self._share, self._burst_s = share, burst_s
        self._left_s = burst_s
        self._counted_at = time.monotonic()
        self._requests: _Queue = deque()
        self._checks: _Queue = deque()
        self._queues = deque([self._requests, self._checks])
        self._timer: asyncio.TimerHandle | None = None

    async def run(
        self, work: Callable[[], Coroutine[Any, Any, None]], *, is_check: bool = False
    ) -> None:
        """Do the work of a request, once there is time left for it, and count the time it uses.

        `is_check` says that it is a health check.
        """
        await self._start(self._checks if is_check else self._requests)
        self._use(RESERVED_S + OVERHEAD_S)
        try:
            await _Measured(work(), self._use)
        finally:
            self._use(-RESERVED_S)

    async def wait(self) -> None:
        """Wait, in the middle of a request, until there is time left."""
        await self._start(self._requests)

    async def _start(self, queue: _Queue) -> None:
        if self._count() > 0 and not any(self._queues):
            return
        turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        self._schedule()
        await turn

    def _use(self, seconds: float) -> None:
        self._left_s -= seconds

    def _count(self) -> float:
        """Return how many seconds are left now."""
        now = time.monotonic()
        self._left_s = min(self._left_s + self._share * (now - self._counted_at), self._burst_s)
        self._counted_at = now
        return self._left_s

    def _schedule(self) -> None:
        if self._timer is None:
            delay = max(-self._count() / self._share, 0.0)
            self._timer = asyncio.get_running_loop().call_later(delay, self._start_next)

    def _start_next(self) -> None:
        """Start one waiting request. What it reserves counts before the next one starts."""
        self._timer = None
        if self._count() > 0:
            self._queues.rotate()
            queue = next(each for each in self._queues if each)
            turn = queue.popleft()
            if not turn.done():  # its request may have been cancelled
                turn.set_result(None)
        if any(self._queues):
            self._schedule()


class _Measured:
    """Awaits a coroutine, and reports how long each of its steps kept the event loop."""

    def __init__(self, coroutine: Coroutine[Any, Any, None], use: Callable[[float], None]) -> None:
        self._coroutine, self._use = coroutine, use

    def __await__(self) -> Generator[Any, Any, None]:
        return _Steps(self._coroutine, self._use)


class _Steps(Generator[Any, Any, None]):
    def __init__(self, coroutine: Coroutine[Any, Any, None], use: Callable[[float], None]) -> None:
        self._coroutine, self._use = coroutine, use

    def send(self, value: Any) -> Any:
        began = time.perf_counter()
        try:
            return self._coroutine.send(value)
        finally:
            self._use(time.perf_counter() - began)

    def throw(self, *error: Any) -> Any:
        began = time.perf_counter()
        try:
            return self._coroutine.throw(*error)
        finally:
            self._use(time.perf_counter() - began)

    def close(self) -> None:
        self._coroutine.close()
