"""The review queue: hashes that are disputed or over-match, and what staff decided."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from ..models.hashes import Standing
from ..models.review import Cause, Decision, Review, Reviewed
from .statements import Transaction, execute, fetch_one, fetch_rows, fetch_value


async def dispute(tx: Transaction, hash_ids: Sequence[int]) -> dict[int, Standing]:
    """Queue the hashes that two platforms call not intimate. Return their standing now, by id.

    Staff outweigh platforms: a confirmed hash becomes disputed and still matches.
    """
    rows = await fetch_rows(tx, "dispute_hashes", hash_ids=list(hash_ids))
    return {row["id"]: Standing(row["standing"]) for row in rows}


async def suspect(
    tx: Transaction, cause: Cause, evidence: Mapping[int, Mapping[str, int]]
) -> dict[int, UUID]:
    """Queue unreviewed hashes with the evidence against each, by id.

    Return the records of those that were not queued yet for this cause, or a graver one.
    """
    given = [{"hash_id": hash_id, "evidence": each} for hash_id, each in evidence.items()]
    rows = await fetch_rows(tx, "suspect_hashes", cause=cause.value, given=Jsonb(given))
    return {row["id"]: row["record"] for row in rows}


async def read(tx: Transaction, *, decided: bool, limit: int) -> list[Review]:
    """Return open reviews, oldest first; or decided ones, newest first."""
    rows = await fetch_rows(tx, "list_reviews", decided=decided, limit=limit)
    return [_review(row) for row in rows]


async def count_open(tx: Transaction) -> int:
    """Return how many hashes wait for a decision."""
    return int(await fetch_value(tx, "count_open_reviews"))


async def lock(tx: Transaction, record: UUID) -> Reviewed | None:
    """Read and lock what a decision depends on; None if the hash is not in the queue."""
    row = await fetch_one(tx, "lock_review", record=record)
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
    """Store a decision and its effect on the hash."""
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
