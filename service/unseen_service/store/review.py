"""The staff's queue: hashes that are disputed or over-match, and what was decided of them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from ..models.hashes import Standing
from ..models.review import Cause, Decision, Review, Reviewed
from .pool import Transaction, execute


async def dispute(tx: Transaction, hash_ids: Sequence[int]) -> dict[int, Standing]:
    """Put those that two platforms call not intimate into the queue; answer what they are now.

    Staff's word outweighs the platforms': what was confirmed becomes disputed, and is matched on.
    """
    cursor = await execute(tx, "dispute_hashes", hash_ids=list(hash_ids))
    return {row["id"]: Standing(row["standing"]) for row in await cursor.fetchall()}


async def suspect(
    tx: Transaction, cause: Cause, evidence: Mapping[int, Mapping[str, int]]
) -> dict[int, UUID]:
    """Put unreviewed hashes into the queue, by id, with what speaks against each.

    Answers the records of those that were not there for this cause, or a graver one.
    """
    given = [{"hash_id": hash_id, "evidence": each} for hash_id, each in evidence.items()]
    cursor = await execute(tx, "suspect_hashes", cause=cause.value, given=Jsonb(given))
    return {row["id"]: row["record"] for row in await cursor.fetchall()}


async def read(tx: Transaction, *, decided: bool, limit: int) -> list[Review]:
    """List what is to be decided, the oldest first; or what was decided, the newest first."""
    cursor = await execute(tx, "list_reviews", decided=decided, limit=limit)
    return [_review(row) for row in await cursor.fetchall()]


async def count_open(tx: Transaction) -> int:
    """Say how many hashes wait for a decision."""
    row = await (await execute(tx, "count_open_reviews")).fetchone()
    return int(row["open"]) if row else 0


async def lock(tx: Transaction, record: UUID) -> Reviewed | None:
    """Read what a decision depends on; nobody else changes it until the transaction ends."""
    row = await (await execute(tx, "lock_review", record=record)).fetchone()
    if row is None:
        return None
    decision = Decision(row["decision"]) if row["decision"] else None
    return Reviewed(**{**row, "before": Standing(row["before"]), "decision": decision})


async def settle(
    tx: Transaction,
    reviewed: Reviewed,
    decision: Decision,
    standing: Standing,
    *,
    active: bool,
    by: str,
    why: str,
) -> None:
    """Store a decision, and what it makes of the hash."""
    await execute(
        tx,
        "settle_hash",
        hash_id=reviewed.hash_id,
        standing=standing.value,
        barred=decision is Decision.REMOVE,
        active=active,
    )
    await execute(
        tx,
        "settle_review",
        hash_id=reviewed.hash_id,
        decision=decision.value,
        decided_by=by,
        why=why,
    )


def _review(row: Mapping[str, Any]) -> Review:
    return Review(
        **{
            **row,
            "standing": Standing(row["standing"]),
            "cause": Cause(row["cause"]),
            "decision": Decision(row["decision"]) if row["decision"] else None,
        }
    )
