"""Turns for work that takes PostgreSQL seconds, such as reading a case or a page of the feed.

Of one case or platform, one request works at a time, and a few do in all: whoever repeats a call
keeps neither PostgreSQL nor the connections to it from others.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from ..errors import Overloaded

REFUSAL_DELAY_S = 1.0
"""Before a refusal: those who ask again at once must not leave the rest without a chance."""


class Turns:
    """The turns at one worker, in order of arrival."""

    def __init__(self, *, at_once: int, waiting: int) -> None:
        """Let `at_once` work; of one caller, let that many wait or work."""
        self._all = asyncio.Semaphore(at_once)
        self._most = waiting
        self._of_one: dict[Hashable, asyncio.Lock] = {}
        self._waiting: Counter[Hashable] = Counter()

    @asynccontextmanager
    async def turn(self, of: Hashable) -> AsyncIterator[None]:
        """Wait for a turn, and hold it. Raises Overloaded, after a while."""
        if self._waiting[of] >= self._most:
            await asyncio.sleep(REFUSAL_DELAY_S)
            raise Overloaded
        self._waiting[of] += 1
        try:
            async with self._of_one.setdefault(of, asyncio.Lock()), self._all:
                yield
        finally:
            self._waiting[of] -= 1
            if not self._waiting[of]:
                del self._waiting[of], self._of_one[of]
