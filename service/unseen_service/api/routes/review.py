"""The staff's calls on what is disputed or over-matches, and the counts behind their plots."""

from dataclasses import asdict
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query

from ... import oversight
from ...models import Scope, Staff
from ..authentication import Reason, staff_with
from ..bodies import json_only
from ..openapi import keyed
from ..rooms import Room
from ..schemas import review as schemas
from ..services import Provided

router = Room(tags=["staff"])

Auditor = Annotated[Staff, Depends(staff_with(Scope.AUDIT))]
Admin = Annotated[Staff, Depends(staff_with(Scope.ADMIN))]


@router.get("/v1/review", responses=keyed(422))
async def list_reviews(
    provided: Provided,
    by: Auditor,
    reason: Reason,
    *,
    state: Annotated[Literal["open", "decided"], Query()] = "open",
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> schemas.ReviewsOut:
    """List the hashes that wait for a decision, or those that were decided; this is an entry."""
    found, still_open = await oversight.read_reviews(
        provided.store, by, reason, decided=state == "decided", limit=limit
    )
    return schemas.ReviewsOut(
        open=still_open, reviews=[schemas.ReviewOut.of(each) for each in found]
    )


@router.post(
    "/v1/review/{record}",
    dependencies=[Depends(json_only)],
    responses=keyed(404, 409, 413, 415, 422),
)
async def decide_review(
    provided: Provided, by: Admin, reason: Reason, record: UUID, asked: schemas.DecisionIn
) -> schemas.DecidedOut:
    """Release, keep or remove a hash; the reason is kept with the decision and in the audit log.

    In force at once: look-ups, the feed and the person's status follow.
    """
    standing = await oversight.decide(
        provided.store,
        by,
        reason,
        record,
        decision=asked.decision,
        instead_of=asked.instead_of,
    )
    return schemas.DecidedOut(record=record, decision=asked.decision, standing=standing)


@router.get("/v1/statistics", responses=keyed(422))
async def read_statistics(
    provided: Provided,
    staff: Auditor,
    reason: Reason,
    *,
    by: Annotated[Literal["hour", "day"], Query()] = "hour",
    count: Annotated[int, Query(ge=1, le=400, description="How many, up to now.")] = 48,
) -> schemas.StatisticsOut:
    """Count submissions, withdrawals, hits and misses by the hour or day; this is an entry."""
    found, open_reviews = await oversight.read_statistics(provided.store, staff, reason, by, count)
    return schemas.StatisticsOut(
        by=by,
        stretches=[schemas.StretchOut.model_validate(asdict(each)) for each in found],
        hashes=len(provided.index),
        open_reviews=open_reviews,
    )
