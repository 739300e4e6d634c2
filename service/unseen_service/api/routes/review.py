"""The review queue, for staff: hashes that are disputed or over-match."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query

from ...usecases import review
from ..authentication import Admin, Auditor, Reason
from ..bodies import json_only
from ..dependencies import Provided
from ..openapi import keyed
from ..router import make_router
from ..schemas import review as schemas

router = make_router(tags=["staff"])


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
    found, still_open = await review.read_reviews(
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
    standing = await review.decide(
        provided.store,
        by,
        reason,
        record,
        decision=asked.decision,
        instead_of=asked.instead_of,
    )
    return schemas.DecidedOut(record=record, decision=asked.decision, standing=standing)
