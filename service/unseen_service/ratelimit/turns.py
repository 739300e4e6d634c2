"""Turns for work that takes PostgreSQL seconds, such as reading a case or a page of the feed.

Of one case or platform, one request works at a time, or a few, and a few more do in all: whoever
repeats a call keeps neither PostgreSQL nor the connections to it from others.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from ..errors import Overloaded

REFUSAL_DELAY_S = 1.0
"""Before a refusal: those who ask again at once must not leave the rest without a chance."""
MAX_REST_S = 0.3


class Turns:
    """The turns at one worker, in order of arrival."""

    def __init__(self, *, at_once: int, waiting: int, of_one: int = 1, rest: float = 0.0) -> None:
        """Let `at_once` work, `of_one` of each caller; of one caller, let that many wait or work.

        After each, nobody works in its place for `rest` times as long as it took, and not for more
        than MAX_REST_S.
        """
        self._all = asyncio.Semaphore(at_once)
        self._most = waiting
        self._rest = rest
        self._at_once_of_one = of_one
        self._of_one: dict[Hashable, asyncio.Semaphore] = {}
        self._waiting: Counter[Hashable] = Counter()

    @asynccontextmanager
    async def turn(self, of: Hashable) -> AsyncIterator[None]:
        """Wait for a turn, and hold it. Raises Overloaded, after a while."""
        if self._waiting[of] >= self._most:
            await asyncio.sleep(REFUSAL_DELAY_S)
            raise Overloaded
        self._waiting[of] += 1
        if of not in self._of_one:
            self._of_one[of] = asyncio.Semaphore(self._at_once_of_one)
        try:
            async with self._of_one[of], self._place():
                yield
        finally:
            self._waiting[of] -= 1
            if not self._waiting[of]:
                del self._waiting[of], self._of_one[of]

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        await self._all.acquire()
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            yield
        finally:
            if self._rest:
                rest = min(self._rest * (loop.time() - began), MAX_REST_S)
                loop.call_later(rest, self._all.release)
            else:
                self._all.release()
