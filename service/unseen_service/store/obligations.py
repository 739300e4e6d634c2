"""What platforms owe an answer to: owed as it comes about, settled as they answer.

Who writes here for several platforms or kinds holds the change log's lock, so that two writers
never wait for each other.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from ..models.feedback import Opinion
from ..models.overdue import Overdue
from .pool import Transaction, execute, fetch_all


async def matched(tx: Transaction, *, after: int, upto: int) -> None:
    """Owe an answer to what the look-ups of some positions of the audit log found."""
    await execute(tx, "owe_answers", after=after, upto=upto)


async def answered(tx: Transaction, platform_id: int, said: dict[int, Opinion | None]) -> None:
    """Settle what a platform answered with what it says of hashes now, by id.

    Only a removal answers a match; anything ends a review, which `pending-review` begins.
    """
    removed = [hash_id for hash_id, value in said.items() if value is Opinion.REMOVED]
    begun = [hash_id for hash_id, value in said.items() if value is Opinion.PENDING_REVIEW]
    others = [hash_id for hash_id in said if hash_id not in {*removed, *begun}]
    await _settle(tx, platform_id, removed, "match", "review")
    await _settle(tx, platform_id, others, "review")
    if begun:
        await execute(tx, "owe_reviews", platform_id=platform_id, hash_ids=begun)


async def handed_tombstones(tx: Transaction, platform_id: int, records: Sequence[UUID]) -> None:
    """Owe a confirmation of what is withdrawn, and of which the platform is told."""
    if records:
        await execute(tx, "owe_confirmations", platform_id=platform_id, records=list(records))


async def let_go(tx: Transaction, platform_id: int, hash_ids: Sequence[int]) -> None:
    """Settle that a platform let go of what was withdrawn."""
    await _settle(tx, platform_id, hash_ids, "withdrawal")


async def forget(tx: Transaction, hash_ids: Sequence[int]) -> None:
    """Forget what was owed of hashes that were withdrawn, or came back: it begins anew."""
    await execute(tx, "forget_owed", hash_ids=list(hash_ids))


async def overdue(tx: Transaction, longer_than: timedelta, limit: int) -> list[Overdue]:
    """List what platforms have owed an answer to for longer than such a time, the oldest first."""
    return await fetch_all(tx, Overdue, "overdue", longer_than=longer_than, limit=limit)


async def _settle(tx: Transaction, platform_id: int, hash_ids: Sequence[int], *kinds: str) -> None:
    if hash_ids:
        await execute(
            tx, "settle_owed", platform_id=platform_id, hash_ids=list(hash_ids), kinds=list(kinds)
        )
