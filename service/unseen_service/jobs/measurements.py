"""Measures how the service is, every so many seconds.

What is of a worker, each measures for itself. What is of the database one of them measures, and
keeps for the others: a scrape asks nothing, however many workers and hosts there are.
"""

import asyncio
import logging
from dataclasses import asdict
from datetime import timedelta

from .. import metrics
from ..errors import StoreUnavailable
from ..live.follower import Follower
from ..live.index import LiveIndex
from ..store import Store, measurements

logger = logging.getLogger(__name__)


class MetricsCollector:
    """Measures for as long as the worker lives; `overdue` is how long an answer may take."""

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

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            self._measure_worker()
            try:
                await self._measure_database()
            except StoreUnavailable:
                pass  # the follower says so
            except Exception:
                logger.exception("measuring failed; trying again")
            await asyncio.sleep(self._seconds)

    def _measure_worker(self) -> None:
        self._follower.measure()
        metrics.INDEX_BYTES.set(self._index.nbytes)
        metrics.POOL_WAITING.set(self._store.waiting)

    async def _measure_database(self) -> None:
        async with self._store.transaction() as tx:
            # A little less, so that who measures goes on being in time.
            if await measurements.take(tx, 0.9 * self._seconds):
                await measurements.keep(tx, await measurements.measure(tx, self._overdue))
        async with self._store.transaction() as tx:
            found = await measurements.read(tx)
        if found:
            for name, value in asdict(found).items():
                metrics.DATABASE_GAUGES[name].set(value)
