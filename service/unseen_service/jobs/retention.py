"""Erases what is of no more use: once a day, by one worker, a small batch at a time.

The bits of a hash that nobody holds go as soon as each platform that was handed them has
confirmed that it let go of them, and after so many days in any case. Its row stays, for the
feed's tombstone and for the person who looks at their case. A batch holds the change log's lock
for milliseconds, so that submissions pass in between; one that is interrupted goes on at the
next run.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from .. import metrics
from ..errors import StoreUnavailable
from ..models.audit import SERVICE, AuditEvent
from ..settings import Settings
from ..store import Store, Transaction, audit, changes, clock, retention
from ..store.retention import AgedTable

_LOCK = 0x756E73656572
_LOOK_EVERY_S = 300.0
_BATCH = 500
BATCH_PAUSE_S = 0.01

_SKETCHES = timedelta(hours=25)
"""As long as finds are counted by them (docs/review.md)."""

_USAGE = timedelta(days=1)
"""A budget is drained within minutes."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Periods:
    """How long what is of no more use is kept; `bits` at the longest."""

    bits: timedelta
    old: Mapping[AgedTable, timedelta]

    @classmethod
    def of(cls, settings: Settings) -> "Periods":
        """Read them from the settings."""
        return cls(
            timedelta(days=settings.erase_after_days),
            {
                AgedTable.SUBMISSIONS: timedelta(days=settings.keep_submissions_days),
                AgedTable.MESSAGES: timedelta(days=settings.keep_given_up_days),
                AgedTable.ALERTS: timedelta(days=settings.keep_alerts_days),
                AgedTable.USAGE: _USAGE,
            },
        )


class Retention:
    """Runs once `every` is over since any worker's last run; after a stop, at the next start."""

    def __init__(self, store: Store, periods: Periods, every: timedelta) -> None:
        self._store = store
        self._periods = periods
        self._every = every

    async def run(self) -> None:
        """Look now and then whether it is time, until cancelled."""
        while True:
            try:
                await self._look()
            except StoreUnavailable:
                pass  # the follower says so; what is to be erased is when it is back
            except Exception:
                logger.exception("erasing failed; trying again")
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _look(self) -> None:
        if await self._is_time():
            await erase(self._store, self._periods, when=self._is_time)
            await self._is_time()

    async def _is_time(self) -> bool:
        async with self._store.transaction() as tx:
            ran_at, _ = await retention.state(tx)
            now = await clock.now(tx)
        if ran_at is None:
            return True
        metrics.RETENTION_RAN.set(ran_at.timestamp())
        # A run of the future was when the clock was ahead: it must not be waited for.
        return abs(now - ran_at) >= self._every


async def erase(
    store: Store, periods: Periods, when: Callable[[], Awaitable[bool]] | None = None
) -> dict[str, int] | None:
    """Erase all that may go now; answer how much of what, None where another worker is at it.

    `when` is asked once nobody else can be at it. Raises StoreUnavailable; then what is erased
    is erased, and counted by the next run.
    """
    async with store.alone(_LOCK) as alone:
        if not alone or (when and not await when()):
            return None
        now = await conservative_now(store)
        await _erase_bits(store, now - periods.bits)
        for what, period in periods.old.items():
            await _repeat(store, partial(_erase_old, what, now - period))
        await _repeat(store, partial(_erase_sketches, now - _SKETCHES))
        return await _end(store)


async def conservative_now(store: Store) -> datetime:
    """Say what time it surely is: of PostgreSQL's clock and this host's, the earlier.

    What is erased is gone, so that one clock which is ahead must not be enough for it.
    """
    async with store.transaction() as tx:
        return min(await clock.now(tx), datetime.now(UTC))


async def _erase_bits(store: Store, before: datetime) -> None:
    after = 0
    while True:
        # What takes time is found without a lock; who locks looks once more.
        async with store.snapshot() as tx:
            page = await retention.gone(tx, after, before, _BATCH)
        if not page:
            return
        after = page[-1][0]
        if free := [hash_id for hash_id, may_go in page if may_go]:
            async with store.transaction() as tx:
                await changes.lock(tx)
                await retention.erase_bits(tx, free)
        await asyncio.sleep(BATCH_PAUSE_S)


async def _repeat(store: Store, batch: Callable[[Transaction], Awaitable[bool]]) -> None:
    """Do a batch a transaction, for as long as there may be more."""
    more = True
    while more:
        async with store.transaction() as tx:
            more = await batch(tx)
        await asyncio.sleep(BATCH_PAUSE_S)


async def _erase_old(what: AgedTable, before: datetime, tx: Transaction) -> bool:
    return await retention.erase_old(tx, what, before, _BATCH) == _BATCH


async def _erase_sketches(before: datetime, tx: Transaction) -> bool:
    return await retention.erase_sketches(tx, before, _BATCH)


async def _end(store: Store) -> dict[str, int]:
    """Record what was erased since the last run that ended, interrupted ones included."""
    async with store.transaction() as tx:
        _, erased = await retention.state(tx)
        await retention.end(tx)
        if erased:
            await audit.append(tx, AuditEvent("retention.erased", SERVICE, None, erased))
    for what, count in erased.items():
        metrics.ERASED.labels(what).inc(count)
    return erased
