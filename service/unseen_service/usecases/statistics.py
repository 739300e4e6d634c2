"""Counts per hour or day, read by staff."""

from ..models.audit import Staff
from ..models.statistics import ActivityBucket
from ..store import Store, audit, review, statistics
from .actors import event

_HOURS = {"hour": 1, "day": 24}


async def read_statistics(
    store: Store, by: Staff, reason: str, unit: str, count: int
) -> tuple[list[ActivityBucket], int]:
    """Read what happened in the last so many hours or days, and how many reviews are open."""
    details = {"reason": reason, "by": unit, "count": count}
    async with store.transaction() as tx:
        await audit.append(tx, event(by, "statistics.read", details))
    async with store.snapshot() as tx:
        found = await statistics.statistics(tx, unit=unit, hours=_HOURS[unit], count=count)
        return found, await review.count_open(tx)
