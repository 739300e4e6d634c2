"""The review queue, for staff: hashes that are disputed or over-match."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Path, Query

from ...errors import IndependentPersonNeeded, InvalidRequest, ReviewChanged, ReviewNotFound
from ...usecases import review
from ..authentication import Admin, Auditor, Reason
from ..bodies import require_json
from ..dependencies import Provided
from ..json_routes import JsonRoute
from ..openapi import BODY_PROBLEMS, keyed_responses
from ..router import make_router
from ..schemas import review as schemas

router = make_router(route_class=JsonRoute, tags=["staff"])


@router.get("/v1/review", responses=keyed_responses(InvalidRequest))
async def list_reviews(
    provided: Provided,
    by: Auditor,
    reason: Reason,
    *,
    state: Annotated[
        Literal["open", "decided"],
        Query(description="`open`: oldest first. `decided`: newest first."),
    ] = "open",
    limit: Annotated[int, Query(ge=1, le=1_000, description="The most reviews to return.")] = 100,
) -> schemas.ReviewsOut:
    """List open or decided reviews.

    An open review is a hash that waits for a decision. The audit log records the read. Requires
    the scope `audit`.
    """
    found, still_open = await review.read_reviews(
        provided.store, by, reason, decided=state == "decided", limit=limit
    )
    return schemas.ReviewsOut(
        open=still_open, reviews=[schemas.ReviewOut.of(each) for each in found]
    )


@router.post(
    "/v1/review/{record}",
    dependencies=[Depends(require_json)],
    responses=keyed_responses(
        *BODY_PROBLEMS, ReviewNotFound, ReviewChanged, IndependentPersonNeeded
    ),
)
async def decide_review(
    provided: Provided,
    by: Admin,
    reason: Reason,
    record: Annotated[UUID, Path(description="The record of the hash.")],
    body: schemas.DecisionIn,
) -> schemas.DecidedOut:
    """Decide a review.

    Takes effect at once in lookups, the feed and people's cases. But a removal, and any decision
    that replaces one, takes two persons: the first request proposes it (`final` is false), and
    the same request of another person makes it final. Neither may have issued or approved a key
    of the other. If someone else decided in the meantime, the response is 409
    (`review-changed`). The reason is stored with the decision and in the audit log. Requires the
    scope `admin`.
    """
    decided = await review.decide(
        provided.store,
        by,
        reason,
        record,
        decision=body.decision,
        instead_of=body.instead_of,
    )
    return schemas.DecidedOut(
        record=record, decision=body.decision, standing=decided.standing, final=decided.final
    )
