"""Counts per hour or day."""

from ..models.statistics import ActivityBucket
from .statements import Transaction, fetch_all


async def read(tx: Transaction, *, unit: str, hours: int, count: int) -> list[ActivityBucket]:
    """Return the counts of each of the last `count` hours or days (`unit`), this one included."""
    return await fetch_all(tx, ActivityBucket, "statistics", unit=unit, hours=hours, count=count)
