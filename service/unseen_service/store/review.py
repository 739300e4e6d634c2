"""The review queue: hashes that are disputed or over-match, and what staff decided."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from ..models.audit import Staff
from ..models.hashes import Standing
from ..models.review import Cause, Decision, Proposal, Review, Reviewed
from .statements import Transaction, execute, fetch_one, fetch_rows, fetch_value


async def dispute(
    tx: Transaction, hash_ids: Sequence[int]
) -> tuple[dict[int, UUID], dict[int, UUID]]:
    """Queue the hashes that two platforms call not intimate.

    Return the records of those that are suspect from here on, by id, and of those that are
    disputed: staff had confirmed these, and outweigh platforms.
    """
    rows = await fetch_rows(tx, "dispute_hashes", hash_ids=list(hash_ids))
    disputed = {r["id"]: r["record"] for r in rows if r["standing"] == Standing.DISPUTED}
    return {r["id"]: r["record"] for r in rows if r["id"] not in disputed}, disputed


async def suspect(
    tx: Transaction, cause: Cause, evidence: Mapping[int, Mapping[str, int]]
) -> dict[int, UUID]:
    """Queue unreviewed hashes with the evidence against each, by id.

    Return the records of those that were not queued yet for this cause, or a graver one.
    """
    given = [{"hash_id": hash_id, "evidence": each} for hash_id, each in evidence.items()]
    rows = await fetch_rows(tx, "suspect_hashes", cause=cause.value, given=Jsonb(given))
    return {row["id"]: row["record"] for row in rows}


async def resume_suspended(tx: Transaction, limit: int) -> tuple[list[UUID], list[int]]:
    """Restore the standing of hashes that version 0.1 suspended without a decision.

    Return their records, and the ids of those that are active.
    """
    rows = await fetch_rows(tx, "resume_suspended", limit=limit)
    return [row["record"] for row in rows], [row["id"] for row in rows if row["active"]]


async def has_suspended(tx: Transaction) -> bool:
    """Return whether version 0.1 suspended a hash that no one has decided about."""
    return bool(await fetch_value(tx, "has_suspended"))


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
    return Reviewed(
        **{
            **row,
            "standing": Standing(row["standing"]),
            "before": Standing(row["before"]),
            "decision": Decision(row["decision"]) if row["decision"] else None,
            "proposal": _proposal(row["proposal"]),
        }
    )


async def propose(
    tx: Transaction, reviewed: Reviewed, decision: Decision, by: Staff, why: str
) -> None:
    """Store what a first person proposes; it replaces what was proposed before."""
    await execute(
        tx,
        "propose_decision",
        hash_id=reviewed.hash_id,
        decision=decision.value,
        proposed_by=by.actor,
        person=by.person,
        why=why,
    )


async def settle_disputed(
    tx: Transaction, hash_ids: Sequence[int], decision: Decision, *, by: str, why: str
) -> None:
    """Store a decision (`release` or `keep`) about disputed hashes, and its effect on them."""
    ids = list(hash_ids)
    await execute(tx, "settle_disputed", hash_ids=ids, decision=decision.value)
    await execute(
        tx, "decide_disputed", hash_ids=ids, decision=decision.value, decided_by=by, why=why
    )
    await execute(tx, "delete_proposals", hash_ids=ids)


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
    await execute(tx, "delete_proposals", hash_ids=[reviewed.hash_id])


def _proposal(row: Mapping[str, Any] | None) -> Proposal | None:
    if row is None:
        return None
    at = datetime.fromisoformat(row["at"])
    return Proposal(Decision(row["decision"]), row["proposed_by"], row["person"], row["why"], at)


def _review(row: Mapping[str, Any]) -> Review:
    return Review(
        **{
            **row,
            "standing": Standing(row["standing"]),
            "cause": Cause(row["cause"]),
            "proposal": _proposal(row["proposal"]),
            "decision": Decision(row["decision"]) if row["decision"] else None,
        }
    )
