"""Erases what is no longer needed: once a day, by one worker, a small batch at a time.

The bits of a hash that nobody holds are erased as soon as every platform that received them has
confirmed that it deleted them, and after some days in any case. The hash's row stays, for the
feed's tombstone and for the person who looks at their case. A batch holds the change log's lock
for milliseconds, so that submissions get in between. An interrupted run is continued by the next.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from .. import metrics
from ..models.audit import SERVICE, AuditEvent, AuditKind
from ..settings import Settings
from ..store import Store, Transaction, audit, changes, clock, retention
from ..store.retention import AgedTable

LOOK_EVERY_S = 300.0
"""How often to check whether a run is due."""

BATCH_PAUSE_S = 0.01
_LOCK = 0x756E73656572
_BATCH = 500

_SKETCHES = timedelta(hours=25)
"""As long as finds are counted by them (docs/review.md)."""

_USAGE = timedelta(days=1)
"""A budget is drained within minutes."""


@dataclass(frozen=True, slots=True)
class Periods:
    """How long data is kept after it is no longer needed; `bits` at most."""

    bits: timedelta
    tables: Mapping[AgedTable, timedelta]

    @classmethod
    def of(cls, settings: Settings) -> "Periods":
        """Return the periods of the settings."""
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
    """Erases once `every` has passed since any worker's last run, also after a restart."""

    def __init__(self, store: Store, periods: Periods, every: timedelta) -> None:
        self._store = store
        self._periods = periods
        self._every = every

    async def run_if_due(self) -> None:
        """Erase if it is time to. Raises StoreUnavailable."""
        if await self._is_due():
            await erase(self._store, self._periods, when=self._is_due)
            await self._is_due()

    async def _is_due(self) -> bool:
        async with self._store.transaction() as tx:
            ran_at, _ = await retention.state(tx)
            now = await clock.now(tx)
        if ran_at is None:
            return True
        metrics.RETENTION_LAST_RUN.set(ran_at.timestamp())
        # A run in the future was recorded while the clock was ahead: it must not be waited for.
        return abs(now - ran_at) >= self._every


async def erase(
    store: Store, periods: Periods, when: Callable[[], Awaitable[bool]] | None = None
) -> dict[str, int] | None:
    """Erase everything that may be erased now. Return how much of what.

    Return None if another worker is erasing, or if `when`, which is asked once no other can be,
    says no. Raises StoreUnavailable; then what is erased stays erased, and the next run counts it.
    """
    async with store.exclusive(_LOCK) as is_exclusive:
        if not is_exclusive or (when and not await when()):
            return None
        now = await conservative_now(store)
        await _erase_bits(store, now - periods.bits)
        for table, period in periods.tables.items():
            await _repeat(store, partial(_erase_aged, table, now - period))
        await _repeat(store, partial(_erase_sketches, now - _SKETCHES))
        return await _end(store)


async def conservative_now(store: Store) -> datetime:
    """Return the earlier of PostgreSQL's time and this host's.

    What is erased is gone, so one clock that is ahead must not be enough to erase it.
    """
    async with store.transaction() as tx:
        return min(await clock.now(tx), datetime.now(UTC))


async def _erase_bits(store: Store, before: datetime) -> None:
    after = 0
    while True:
        # The slow search runs without a lock; whatever holds the lock checks once more.
        async with store.snapshot() as tx:
            page = await retention.withdrawn(tx, after, before, _BATCH)
        if not page:
            return
        after = page[-1][0]
        if erasable := [hash_id for hash_id, may_erase in page if may_erase]:
            async with store.transaction() as tx:
                await changes.lock(tx)
                if erased := await retention.erase_bits(tx, erasable):
                    # In this transaction: the entry commits to the hashes whose bits are gone.
                    details = {"bits": erased}
                    event = AuditEvent(AuditKind.RETENTION_BITS_ERASED, SERVICE, None, details)
                    await audit.append(tx, event)
        await asyncio.sleep(BATCH_PAUSE_S)


async def _repeat(store: Store, batch: Callable[[Transaction], Awaitable[bool]]) -> None:
    """Run one batch per transaction, as long as there may be more."""
    has_more = True
    while has_more:
        async with store.transaction() as tx:
            has_more = await batch(tx)
        await asyncio.sleep(BATCH_PAUSE_S)


async def _erase_aged(table: AgedTable, before: datetime, tx: Transaction) -> bool:
    return await retention.erase_aged(tx, table, before, _BATCH) == _BATCH


async def _erase_sketches(before: datetime, tx: Transaction) -> bool:
    return await retention.erase_sketches(tx, before, _BATCH)


async def _end(store: Store) -> dict[str, int]:
    """Record what was erased since the last complete run, including interrupted ones."""
    async with store.transaction() as tx:
        _, erased = await retention.state(tx)
        await retention.end(tx)
        if erased:
            event = AuditEvent(AuditKind.RETENTION_ERASED, SERVICE, None, erased)
            await audit.append(tx, event)
    for what, count in erased.items():
        metrics.ERASED.labels(what).inc(count)
    return erased
