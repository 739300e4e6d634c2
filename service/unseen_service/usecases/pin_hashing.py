"""Computes scrypt digests of PINs, in lanes: one kind of caller does not wait for another.

scrypt takes 16 MiB and a core for about 30 ms, and anyone can ask for it. One queue without a limit
let strangers who guess PINs delay honest people by half a minute. So each lane computes one digest
at a time, and refuses whoever would have to wait for too many others.
"""

import asyncio
from collections import Counter
from collections.abc import Hashable
from concurrent.futures import Executor

from .. import credentials
from ..errors import Overloaded
from ..runtime.background_threads import background_threads

MAX_WAITING = 64
"""Callers who wait in one lane: about two seconds of work."""
MAX_WAITING_FOR_ONE = 16
"""Of these, callers for one case: guesses for a known number leave room for all others."""
REFUSAL_DELAY_S = 1.0
"""Before a refusal: those who ask again at once must not leave the rest without a chance."""


class Lane:
    """Computes one digest at a time, in order of arrival."""

    def __init__(self, threads: Executor) -> None:
        self._threads = threads
        self._turn = asyncio.Semaphore(1)
        self._waiting: Counter[Hashable] = Counter()

    async def digest(self, pin: str, salt: bytes, case: Hashable = None) -> bytes:
        """Return the digest (32 bytes) of a PIN. Raises Overloaded.

        `case` is the number that it is for, whether there is such a case or not.
        """
        await self.admit(case)
        self._waiting[case] += 1
        try:
            async with self._turn:
                return await asyncio.get_running_loop().run_in_executor(
                    self._threads, credentials.pin_digest, pin, salt
                )
        finally:
            self._waiting[case] -= 1
            if not self._waiting[case]:
                del self._waiting[case]

    async def admit(self, case: Hashable = None) -> None:
        """Raise Overloaded, after a while, if there are too many others, in all or for a case."""
        if self._is_full(case):
            await asyncio.sleep(REFUSAL_DELAY_S)
            raise Overloaded

    def _is_full(self, case: Hashable) -> bool:
        for_one = MAX_WAITING if case is None else MAX_WAITING_FOR_ONE
        return self._waiting[case] >= for_one or self._waiting.total() >= MAX_WAITING


class PinHashing:
    """The lanes of a worker.

    Nothing about the lane of a request may depend on whether its case exists: the lanes differ in
    how long they take.
    """

    def __init__(self) -> None:
        threads = background_threads(3)
        self.submissions = Lane(threads)
        """New cases. They are paid for, if many arrive."""
        self.repeats = Lane(threads)
        """Submissions that were sent again: their random key is known."""
        self.guesses = Lane(threads)
        """PINs, right and wrong, for numbers with and without a case."""
