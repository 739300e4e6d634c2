"""Counts of what happens, by the hour: for staff's plots, and to notice what over-matches."""

from collections.abc import Sequence

from ..models import Found, Stretch, Usual
from .database import Transaction, execute, fetch_all


async def take(tx: Transaction, limit: int) -> tuple[int, int] | None:
    """Become the one who counts until the transaction ends; None where another is at it.

    Answers after which position of the audit log to count, and up to which.
    """
    row = await (await execute(tx, "take_tally", limit=limit)).fetchone()
    return (row["after"], row["upto"]) if row else None


async def count(tx: Transaction, *, after: int, upto: int) -> list[int]:
    """Count some positions of the audit log; answer the hashes that were found in them."""
    await execute(tx, "tally_activity", after=after, upto=upto)
    found = await (await execute(tx, "tally_finds", after=after, upto=upto)).fetchall()
    await execute(tx, "move_tally", upto=upto)
    return [row["hash_id"] for row in found]


async def found_often(
    tx: Transaction, hash_ids: Sequence[int], *, uploads: int, finds: int
) -> list[Found]:
    """Of some hashes, find the unreviewed that reach one of two counts in a day."""
    return await fetch_all(
        tx, Found, "found_often", hash_ids=list(hash_ids), uploads=uploads, finds=finds
    )


async def usual(tx: Transaction, besides: Sequence[int]) -> Usual:
    """Say what 99 of 100 hashes besides some do not exceed in a day, of those that are found."""
    (found,) = await fetch_all(tx, Usual, "usual_finds", hash_ids=list(besides))
    return found


async def statistics(tx: Transaction, *, unit: str, hours: int, count: int) -> list[Stretch]:
    """Say what happened in each of the last `count` hours or days (`unit`), this one included."""
    return await fetch_all(tx, Stretch, "statistics", unit=unit, hours=hours, count=count)
