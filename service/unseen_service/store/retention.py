"""What is of no more use: found, and erased a batch at a time."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from .pool import Transaction, execute


class AgedTable(StrEnum):
    """Rows that go by their age, by the statement that erases them."""

    SUBMISSIONS = "erase_submissions"
    MESSAGES = "erase_messages"
    ALERTS = "erase_alerts"
    USAGE = "erase_usage"


async def state(tx: Transaction) -> tuple[datetime | None, dict[str, int]]:
    """Say when a run last ended (None: never), and what one under way has erased so far."""
    row = await (await execute(tx, "retention_state")).fetchone()
    return (row["ran_at"], row["erased"]) if row else (None, {})


async def end(tx: Transaction) -> None:
    """Remember that a run has ended now."""
    await execute(tx, "end_retention")


async def gone(tx: Transaction, after: int, before: datetime, limit: int) -> list[tuple[int, bool]]:
    """Find hashes after an id that nobody holds: the id of each, and whether its bits may go.

    They may where each platform that was handed them has confirmed that it let go of them, or
    where they were withdrawn before the moment `before`.
    """
    cursor = await execute(tx, "gone_hashes", after=after, before=before, limit=limit)
    return [(row["id"], row["free"]) for row in await cursor.fetchall()]


async def erase_bits(tx: Transaction, hash_ids: Sequence[int]) -> int:
    """Erase the bits of hashes that are still of no use; the change log is locked. Says how many.

    Whoever submits the same bits later gets a new hash.
    """
    erased = (await execute(tx, "erase_bits", hash_ids=list(hash_ids))).rowcount
    return await _counted(tx, "bits", erased)


async def erase_old(tx: Transaction, what: AgedTable, before: datetime, limit: int) -> int:
    """Erase at most `limit` rows from before a moment; says how many."""
    erased = (await execute(tx, what.value, before=before, limit=limit)).rowcount
    return await _counted(tx, what.value.removeprefix("erase_"), erased)


async def erase_sketches(tx: Transaction, before: datetime, limit: int) -> bool:
    """Forget the sketches of matches that are counted and from before a moment.

    Looks at the next `limit` entries of the audit log; says whether there may be more.
    """
    row = await (await execute(tx, "erase_sketches", before=before, limit=limit)).fetchone()
    if row is None or row["upto"] is None:
        return False
    await _counted(tx, "sketches", row["erased"])
    return True


async def _counted(tx: Transaction, what: str, erased: int) -> int:
    if erased:
        await execute(tx, "count_erased", what=what, count=erased)
    return erased
