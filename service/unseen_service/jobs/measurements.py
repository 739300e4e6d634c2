"""Collects metrics every few seconds.

Each worker measures itself. The database as a whole is measured by one worker, which stores the
result for all: a scrape queries nothing, however many workers and hosts there are.
"""

from dataclasses import asdict
from datetime import timedelta

from .. import metrics
from ..live.follower import Follower
from ..live.index import LiveIndex
from ..store import Store, measurements


class MetricsCollector:
    """Collects the metrics that have to be asked for; `overdue` is how long an answer may take."""

    def __init__(
        self,
        store: Store,
        follower: Follower,
        index: LiveIndex,
        *,
        seconds: float,
        overdue: timedelta,
    ) -> None:
        self._store = store
        self._follower = follower
        self._index = index
        self._seconds = seconds
        self._overdue = overdue

    async def collect(self) -> None:
        """Collect once. Raises StoreUnavailable."""
        self._measure_worker()
        await self._measure_database()

    def _measure_worker(self) -> None:
        self._follower.measure()
        metrics.INDEX_BYTES.set(self._index.nbytes)
        metrics.POOL_WAITING.set(self._store.waiting)

    async def _measure_database(self) -> None:
        async with self._store.transaction() as tx:
            # A little less than the period, so that the same worker's next turn is not too early.
            if await measurements.try_claim_turn(tx, 0.9 * self._seconds):
                await measurements.store(tx, await measurements.measure(tx, self._overdue))
        async with self._store.transaction() as tx:
            found = await measurements.read(tx)
        if found:
            for name, value in asdict(found).items():
                metrics.DATABASE_GAUGES[name].set(value)
