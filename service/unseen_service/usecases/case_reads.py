"""Turns to read a case, which can take a second if it has thousands of hashes and matches.

A case is read by one request at a time, and a few cases at once: whoever repeats a call keeps
neither PostgreSQL nor the connections to it from others.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ..errors import Overloaded

MAX_READS = 2
"""Cases that a worker reads at once."""
MAX_WAITING_FOR_ONE = 16
"""Requests for one case that wait or read."""
REFUSAL_DELAY_S = 1.0
"""Before a refusal: those who ask again at once must not leave the rest without a chance."""


class CaseReads:
    """The turns of one worker."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(MAX_READS)
        self._of_one: dict[int, asyncio.Lock] = {}
        self._waiting: Counter[int] = Counter()

    @asynccontextmanager
    async def turn(self, case_id: int) -> AsyncIterator[None]:
        """Wait for a turn, and hold it. Raises Overloaded, after a while."""
        if self._waiting[case_id] >= MAX_WAITING_FOR_ONE:
            await asyncio.sleep(REFUSAL_DELAY_S)
            raise Overloaded
        self._waiting[case_id] += 1
        try:
            async with self._of_one.setdefault(case_id, asyncio.Lock()), self._all:
                yield
        finally:
            self._waiting[case_id] -= 1
            if not self._waiting[case_id]:
                del self._waiting[case_id], self._of_one[case_id]
