"""Counts of the audit log: how often each hash is found, and what is usual."""

from collections.abc import Sequence

from ..models.overmatch import ActivityBaseline, HashActivity
from .pool import Transaction, execute, fetch_all


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
) -> list[HashActivity]:
    """Of some hashes, find the unreviewed that reach one of two counts in a day."""
    return await fetch_all(
        tx, HashActivity, "found_often", hash_ids=list(hash_ids), uploads=uploads, finds=finds
    )


async def usual(tx: Transaction, besides: Sequence[int]) -> ActivityBaseline:
    """Say what 99 of 100 hashes besides some do not exceed in a day, of those that are found."""
    (found,) = await fetch_all(tx, ActivityBaseline, "usual_finds", hash_ids=list(besides))
    return found
