"""Counts of the audit log: how often each hash is found, and what is usual."""

from collections.abc import Sequence

from ..models.overmatch import ActivityBaseline, HashActivity
from .statements import Transaction, execute, fetch_all, fetch_column, fetch_one


async def try_claim_turn(tx: Transaction, limit: int) -> tuple[int, int] | None:
    """Try to become the one that counts until the transaction ends.

    Return the position of the audit log to count after, and the one to count up to; None if
    another worker is counting.
    """
    row = await fetch_one(tx, "claim_counting", limit=limit)
    return (row["after"], row["upto"]) if row else None


async def count(tx: Transaction, *, after: int, upto: int) -> list[int]:
    """Count a range of the audit log. Return the ids of the hashes that were found in it."""
    await execute(tx, "count_activity", after=after, upto=upto)
    found = await fetch_column(tx, "count_finds", after=after, upto=upto)
    await execute(tx, "advance_counting", upto=upto)
    return found


async def found_often(
    tx: Transaction, hash_ids: Sequence[int], *, uploads: int, finds: int
) -> list[HashActivity]:
    """Return the activity of those unreviewed hashes that reach one of two counts in a day."""
    return await fetch_all(
        tx, HashActivity, "found_often", hash_ids=list(hash_ids), uploads=uploads, finds=finds
    )


async def usual(tx: Transaction, besides: Sequence[int]) -> ActivityBaseline:
    """Return what 99 of 100 other hashes that are found in a day do not exceed."""
    (found,) = await fetch_all(tx, ActivityBaseline, "usual_finds", hash_ids=list(besides))
    return found
