"""What is no longer needed: find it, and erase it a batch at a time."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from .statements import Transaction, execute, fetch_one, fetch_rows


class AgedTable(StrEnum):
    """Tables whose rows are erased by age; the value names what was erased in counts."""

    SUBMISSIONS = "submissions"
    MESSAGES = "messages"
    ALERTS = "alerts"
    USAGE = "usage"


_ERASE = {
    AgedTable.SUBMISSIONS: "erase_submissions",
    AgedTable.MESSAGES: "erase_messages",
    AgedTable.ALERTS: "erase_alerts",
    AgedTable.USAGE: "erase_usage",
}


async def state(tx: Transaction) -> tuple[datetime | None, dict[str, int]]:
    """Return when a run last ended (None: never), and what the current run has erased so far."""
    row = await fetch_one(tx, "retention_state")
    return (row["ran_at"], row["erased"]) if row else (None, {})


async def end(tx: Transaction) -> None:
    """Record that a run ends now."""
    await execute(tx, "end_retention")


async def withdrawn(
    tx: Transaction, after: int, before: datetime, limit: int
) -> list[tuple[int, bool]]:
    """Return hashes after an id that nobody holds: the id, and whether its bits may be erased.

    They may once every platform that received them has confirmed that it deleted them, or if
    they were withdrawn before the moment `before`.
    """
    rows = await fetch_rows(tx, "withdrawn_hashes", after=after, before=before, limit=limit)
    return [(row["id"], row["free"]) for row in rows]


async def erase_bits(tx: Transaction, hash_ids: Sequence[int]) -> int:
    """Erase the bits of those hashes that still nobody holds. Return how many.

    The caller holds the change log's lock. The same bits submitted later get a new hash.
    """
    erased = (await execute(tx, "erase_bits", hash_ids=list(hash_ids))).rowcount
    return await _count(tx, "bits", erased)


async def erase_aged(tx: Transaction, table: AgedTable, before: datetime, limit: int) -> int:
    """Erase at most `limit` rows from before a moment. Return how many."""
    erased = (await execute(tx, _ERASE[table], before=before, limit=limit)).rowcount
    return await _count(tx, table.value, erased)


async def erase_sketches(tx: Transaction, before: datetime, limit: int) -> bool:
    """Erase the sketches of matches that were counted and are from before a moment.

    Look at the next `limit` entries of the audit log. Return whether there may be more.
    """
    row = await fetch_one(tx, "erase_sketches", before=before, limit=limit)
    if row is None or row["upto"] is None:
        return False
    await _count(tx, "sketches", row["erased"])
    return True


async def _count(tx: Transaction, what: str, erased: int) -> int:
    if erased:
        await execute(tx, "count_erased", what=what, count=erased)
    return erased
