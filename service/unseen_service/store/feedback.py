"""What platforms say: of a hash, and that they let go of one."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from psycopg.types.json import Jsonb

from ..models.feedback import GivenFeedback, Opinion
from . import obligations
from .pool import Transaction, execute


async def by_record(tx: Transaction, records: Iterable[UUID]) -> dict[UUID, int]:
    """Find the ids of hashes by their records; what is not there is left out."""
    rows = await (await execute(tx, "hashes_by_record", records=list(records))).fetchall()
    return {row["record"]: row["id"] for row in rows}


async def by_pdq(tx: Transaction, pdqs: Iterable[bytes]) -> dict[bytes, int]:
    """Find the ids of hashes by their bits; what is not there is left out."""
    rows = await (await execute(tx, "hashes_by_pdq", pdqs=list(pdqs))).fetchall()
    return {row["pdq"]: row["id"] for row in rows}


async def give(
    tx: Transaction, platform_id: int, given: Mapping[int, GivenFeedback]
) -> dict[int, UUID]:
    """Store what a platform says of hashes, by id; answer the records of which that is new.

    The same again is not new, unless the platform found the hash once more in between. The
    caller holds the change log's lock: what was owed is settled with it.
    """
    rows = [
        {"hash_id": hash_id, "value": each.value, "tags": sorted(each.tags)}
        for hash_id, each in given.items()
    ]
    cursor = await execute(tx, "give_feedback", platform_id=platform_id, given=Jsonb(rows))
    new = await cursor.fetchall()
    said = {row["hash_id"]: Opinion(row["value"]) if row["value"] else None for row in new}
    await obligations.answered(tx, platform_id, said)
    return {row["hash_id"]: row["record"] for row in new}


async def active(tx: Transaction, hash_ids: Sequence[int]) -> list[int]:
    """Say which of some hashes may be matched."""
    cursor = await execute(tx, "active_hashes", hash_ids=list(hash_ids))
    return [row["id"] for row in await cursor.fetchall()]


async def confirm(
    tx: Transaction, platform_id: int, hash_ids: Sequence[int]
) -> tuple[list[UUID], list[UUID]]:
    """Store that a platform let go of hashes.

    Answers the records of those that are withdrawn, and of which of them this is new.
    """
    cursor = await execute(
        tx, "confirm_withdrawals", platform_id=platform_id, hash_ids=list(hash_ids)
    )
    rows = await cursor.fetchall()
    await obligations.let_go(tx, platform_id, hash_ids)
    return [row["record"] for row in rows], [row["record"] for row in rows if row["new"]]
