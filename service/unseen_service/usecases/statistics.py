"""Counts per hour or day, read by staff."""

from ..models.audit import AuditKind, Staff
from ..models.statistics import ActivityBucket
from ..store import Store, audit, review, statistics
from .actors import staff_event

_HOURS = {"hour": 1, "day": 24}


async def read_statistics(
    store: Store, by: Staff, reason: str, unit: str, count: int
) -> tuple[list[ActivityBucket], int]:
    """Return the counts of the last `count` hours or days (`unit`), and of open reviews."""
    details = {"reason": reason, "by": unit, "count": count}
    async with store.transaction() as tx:
        await audit.append(tx, staff_event(by, AuditKind.STATISTICS_READ, details))
    async with store.snapshot() as tx:
        found = await statistics.read(tx, unit=unit, hours=_HOURS[unit], count=count)
        return found, await review.count_open(tx)
