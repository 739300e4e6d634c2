"""The level of submissions that sets the price of the next: what was reserved by all workers.

A submission is counted when it arrives, in PostgreSQL, where all workers see it at once. If it were
counted when it is stored, any number that arrive at the same time would all be at the old price.
"""

import asyncio
import math
import time
from contextlib import suppress

from ..errors import StoreUnavailable
from ..live.screening import LiveScreening
from ..store import Store, screening

_MINUTE = 60.0


class Reservation:
    """The weight of one submission, counted in the level. `before` is the level without it."""

    def __init__(self, store: Store, live: LiveScreening, weight: int, before: float) -> None:
        self._store = store
        self._live = live
        self._weight = weight
        self._at = time.monotonic()
        self.before = before
        self._is_counted = True

    async def give_back(self) -> None:
        """Remove the weight from the level; what cannot be removed decays in minutes."""
        if not self._is_counted:
            return
        self._is_counted = False
        left = self._weight * math.exp((self._at - time.monotonic()) / _MINUTE)
        # Shielded: a request that is cancelled gives back, too.
        await asyncio.shield(self._remove(left))

    async def _remove(self, weight: float) -> None:
        with suppress(StoreUnavailable):
            async with self._store.transaction() as tx:
                level = await screening.release(tx, weight)
            self._live.note_level(level)


class IntakeLevel:
    """Reserves weights."""

    def __init__(self, store: Store, live: LiveScreening) -> None:
        self._store = store
        self._live = live

    def known(self) -> float:
        """Return the level as this worker knows it, at most a second old. Raises StillLoading."""
        return self._live.level()

    async def reserve(self, weight: int) -> Reservation:
        """Count a submission of this weight, in hashes. Raises StoreUnavailable."""
        async with self._store.transaction() as tx:
            before = await screening.reserve(tx, weight)
        self._live.note_level(before + weight)
        return Reservation(self._store, self._live, weight, before)
