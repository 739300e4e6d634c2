"""The answers that platforms owe: recorded as they arise, settled as platforms respond.

A caller that writes here for several platforms or kinds holds the change log's lock, so that two
writers never wait for each other.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from ..models.feedback import Opinion
from ..models.overdue import Overdue
from .statements import Transaction, execute, fetch_all


async def record_matches(tx: Transaction, *, after: int, upto: int) -> None:
    """Record that what lookups found in a range of the audit log is to be answered."""
    await execute(tx, "owe_answers", after=after, upto=upto)


async def record_tombstones(tx: Transaction, platform_id: int, records: Sequence[UUID]) -> None:
    """Record that a platform received tombstones, and is to confirm them."""
    if records:
        await execute(tx, "owe_confirmations", platform_id=platform_id, records=list(records))


async def settle_feedback(
    tx: Transaction, platform_id: int, opinions: dict[int, Opinion | None]
) -> None:
    """Settle what a platform answered with its opinions of hashes, by id.

    Only a removal answers a match. Any opinion ends a review, which `pending-review` begins.
    """
    removed = [hash_id for hash_id, value in opinions.items() if value is Opinion.REMOVED]
    begun = [hash_id for hash_id, value in opinions.items() if value is Opinion.PENDING_REVIEW]
    others = [hash_id for hash_id in opinions if hash_id not in {*removed, *begun}]
    await _settle(tx, platform_id, removed, "match", "review")
    await _settle(tx, platform_id, others, "review")
    if begun:
        await execute(tx, "owe_reviews", platform_id=platform_id, hash_ids=begun)


async def settle_withdrawals(tx: Transaction, platform_id: int, hash_ids: Sequence[int]) -> None:
    """Settle that a platform confirmed withdrawals."""
    await _settle(tx, platform_id, hash_ids, "withdrawal")


async def delete(tx: Transaction, hash_ids: Sequence[int]) -> None:
    """Delete what is owed about hashes that were withdrawn or came back."""
    await execute(tx, "delete_owed", hash_ids=list(hash_ids))


async def overdue(tx: Transaction, longer_than: timedelta, limit: int) -> list[Overdue]:
    """Return what platforms have owed for longer than this, oldest first."""
    return await fetch_all(tx, Overdue, "overdue", longer_than=longer_than, limit=limit)


async def _settle(tx: Transaction, platform_id: int, hash_ids: Sequence[int], *kinds: str) -> None:
    if hash_ids:
        await execute(
            tx, "settle_owed", platform_id=platform_id, hash_ids=list(hash_ids), kinds=list(kinds)
        )
