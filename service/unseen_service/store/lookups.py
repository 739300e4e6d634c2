"""Lookups: confirm candidates, store matches."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..models.hashes import Standing, View
from ..models.lookups import ConfirmedHash
from .statements import Transaction, execute, execute_and_sync

MAX_HOLDERS = 64
"""How many images that hold a hash are looked at, the oldest first."""


async def confirm(
    tx: Transaction, platform_id: int, hash_ids: Sequence[int]
) -> dict[int, ConfirmedHash]:
    """Return those of an index's candidates that may match at this moment for a platform, by id."""
    cursor = await execute_and_sync(
        tx,
        "confirm_hashes",
        platform_id=platform_id,
        hash_ids=list(hash_ids),
        most=MAX_HOLDERS,
    )
    rows = await cursor.fetchall()
    return {row["id"]: _confirmed(row) for row in rows}


async def holders(tx: Transaction, hash_ids: Sequence[int]) -> dict[int, frozenset[int]]:
    """Return the images that hold each of some hashes, by id: at most MAX_HOLDERS of each."""
    cursor = await execute_and_sync(tx, "image_holders", hash_ids=list(hash_ids), most=MAX_HOLDERS)
    return {row["hash_id"]: frozenset(row["image_ids"]) for row in await cursor.fetchall()}


async def gone(tx: Transaction, hash_ids: Sequence[int]) -> set[int]:
    """Return those of some confirmed hashes, by id, that may not match any longer."""
    cursor = await execute_and_sync(tx, "gone_hashes", hash_ids=list(hash_ids), most=MAX_HOLDERS)
    return {row["id"] for row in await cursor.fetchall()}


async def insert(
    tx: Transaction,
    *,
    audit_position: int,
    platform_id: int,
    found: Sequence[tuple[int, int, int, int, bool]],
) -> None:
    """Store the matches of one lookup.

    Each is (query, hash id, distance, sketch of the query, whether the query is crowded).
    """
    queries, hash_ids, distances, sketches, crowded = zip(*found, strict=True)
    await execute(
        tx,
        "insert_matches",
        audit_position=audit_position,
        platform_id=platform_id,
        queries=list(queries),
        hash_ids=list(hash_ids),
        distances=list(distances),
        sketches=list(sketches),
        crowded=list(crowded),
    )


async def insert_suspect(
    tx: Transaction,
    *,
    audit_position: int,
    platform_id: int,
    found: Sequence[tuple[int, int, int]],
) -> None:
    """Store the matches of one lookup that are for human review and count nowhere.

    Each is (query, hash id, distance).
    """
    queries, hash_ids, distances = zip(*found, strict=True)
    await execute(
        tx,
        "insert_suspect_matches",
        audit_position=audit_position,
        platform_id=platform_id,
        queries=list(queries),
        hash_ids=list(hash_ids),
        distances=list(distances),
    )


def _confirmed(row: Mapping[str, Any]) -> ConfirmedHash:
    return ConfirmedHash(
        row["id"],
        row["record"],
        View(row["view"]),
        Standing(row["standing"]),
        row["suspect"],
        row["is_crop"],
    )
