"""Disputes: hashes that a platform calls not intimate, which read as withdrawn there alone."""

from collections.abc import Sequence
from uuid import UUID

from ..models.disputes import DisputeRoom, KnownHashes, PlatformDisputes
from .statements import (
    Transaction,
    execute,
    fetch_all,
    fetch_column,
    fetch_rows,
    fetch_value,
)


async def begin(tx: Transaction, platform_id: int, hash_ids: Sequence[int]) -> list[int]:
    """Put a platform's disputes of hashes in force. Return the ids for which that is new."""
    return await fetch_column(
        tx, "begin_disputes", platform_id=platform_id, hash_ids=sorted(hash_ids)
    )


async def take_back(tx: Transaction, platform_id: int, hash_ids: Sequence[int]) -> list[int]:
    """End a platform's disputes of hashes. Return the ids of those that were in force."""
    return await fetch_column(
        tx, "take_back_disputes", platform_id=platform_id, hash_ids=list(hash_ids)
    )


async def end(tx: Transaction, hash_ids: Sequence[int]) -> None:
    """End every platform's disputes of hashes: staff decided about them."""
    await execute(tx, "end_disputes", hash_ids=list(hash_ids))


async def in_force(tx: Transaction, platform_id: int, hash_ids: Sequence[int]) -> dict[int, UUID]:
    """Return the records of those of some hashes that a platform disputes, by id."""
    rows = await fetch_rows(tx, "disputed_by", platform_id=platform_id, hash_ids=list(hash_ids))
    return {row["hash_id"]: row["record"] for row in rows}


async def counted(tx: Transaction, platform_id: int, hash_ids: Sequence[int]) -> list[int]:
    """Return the ids of those of some hashes that a platform disputes, if that counts already."""
    return await fetch_column(
        tx, "counted_disputes", platform_id=platform_id, hash_ids=list(hash_ids)
    )


async def known(tx: Transaction, platform_id: int, hash_ids: Sequence[int]) -> KnownHashes:
    """Return which of some hashes a platform has met, and which it submitted itself."""
    rows = await fetch_rows(tx, "known_hashes", platform_id=platform_id, hash_ids=list(hash_ids))
    return KnownHashes(
        met=frozenset(row["id"] for row in rows if row["met"]),
        submitted=frozenset(row["id"] for row in rows if row["submitted"]),
    )


async def room(tx: Transaction, platform_id: int, wait_days: int) -> DisputeRoom:
    """Return whether a platform's word counts yet, and how many of its disputes did in a day."""
    (found,) = await fetch_all(
        tx, DisputeRoom, "dispute_room", platform_id=platform_id, wait_days=wait_days
    )
    return found


async def count(tx: Transaction, platform_id: int, hash_ids: Sequence[int]) -> None:
    """Record that a platform's disputes of hashes count towards others."""
    await execute(tx, "count_disputes", platform_id=platform_id, hash_ids=list(hash_ids))


async def reads_feed(tx: Transaction, platform_id: int) -> bool:
    """Return whether a platform reads the feed, and has to see there what it disputes."""
    return bool(await fetch_value(tx, "reads_feed", platform_id=platform_id))


async def by_platform(tx: Transaction, limit: int) -> list[PlatformDisputes]:
    """Return how many disputes of each platform are in force, most first."""
    return await fetch_all(tx, PlatformDisputes, "list_disputes", limit=limit)


async def oldest(tx: Transaction, platform: str, limit: int) -> dict[int, UUID]:
    """Return the records of hashes that a platform disputes, by id, oldest dispute first."""
    rows = await fetch_rows(tx, "oldest_disputes", platform=platform, limit=limit)
    return {row["hash_id"]: row["record"] for row in rows}
