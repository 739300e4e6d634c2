"""Feedback of platforms on hashes, and their confirmations of withdrawals."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from psycopg.types.json import Jsonb

from ..models.feedback import GivenFeedback, Opinion
from . import obligations
from .statements import Transaction, fetch_column, fetch_rows


async def by_record(tx: Transaction, records: Iterable[UUID]) -> dict[UUID, int]:
    """Return the ids of hashes by record; unknown records are left out."""
    rows = await fetch_rows(tx, "hashes_by_record", records=list(records))
    return {row["record"]: row["id"] for row in rows}


async def records(tx: Transaction, hash_ids: Iterable[int]) -> dict[int, UUID]:
    """Return the records of hashes, by id."""
    rows = await fetch_rows(tx, "records_by_id", hash_ids=list(hash_ids))
    return {row["id"]: row["record"] for row in rows}


async def give(
    tx: Transaction, platform_id: int, given: Mapping[int, GivenFeedback]
) -> dict[int, UUID]:
    """Store a platform's feedback, by hash id. Return the records for which it is new.

    Repeated feedback is not new, unless the platform found the hash again in between. The caller
    holds the change log's lock: what was owed is settled with it.
    """
    rows = [
        {"hash_id": hash_id, "value": each.value, "tags": sorted(each.tags)}
        for hash_id, each in given.items()
    ]
    new = await fetch_rows(tx, "give_feedback", platform_id=platform_id, given=Jsonb(rows))
    opinions = {row["hash_id"]: Opinion(row["value"]) if row["value"] else None for row in new}
    await obligations.settle_feedback(tx, platform_id, opinions)
    return {row["hash_id"]: row["record"] for row in new}


async def active(tx: Transaction, hash_ids: Sequence[int]) -> list[int]:
    """Return those of some hashes that are active, by id."""
    return await fetch_column(tx, "active_hashes", hash_ids=list(hash_ids))


async def confirm(
    tx: Transaction, platform_id: int, hash_ids: Sequence[int]
) -> tuple[list[UUID], list[UUID]]:
    """Store that a platform deleted hashes.

    Return the records of those that are withdrawn, and of these the ones for which it is new.
    """
    rows = await fetch_rows(
        tx, "confirm_withdrawals", platform_id=platform_id, hash_ids=list(hash_ids)
    )
    await obligations.settle_withdrawals(tx, platform_id, hash_ids)
    return [row["record"] for row in rows], [row["record"] for row in rows if row["new"]]
