"""Counts per hour or day."""

from ..models.statistics import ActivityBucket
from .pool import Transaction, fetch_all


async def statistics(tx: Transaction, *, unit: str, hours: int, count: int) -> list[ActivityBucket]:
    """Say what happened in each of the last `count` hours or days (`unit`), this one included."""
    return await fetch_all(tx, ActivityBucket, "statistics", unit=unit, hours=hours, count=count)
