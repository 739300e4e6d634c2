"""Disputes of platforms, for staff: read by platform, decided many at once."""

from typing import Annotated

from fastapi import Depends, Query

from ...errors import InvalidRequest
from ...models.review import Decision
from ...usecases import disputes
from ..authentication import Admin, Auditor, Reason
from ..bodies import require_json
from ..dependencies import Provided
from ..json_routes import JsonRoute
from ..openapi import BODY_PROBLEMS, keyed_responses
from ..router import make_router
from ..schemas import disputes as schemas

router = make_router(route_class=JsonRoute, tags=["staff"])


@router.get("/v1/disputes", responses=keyed_responses(InvalidRequest))
async def list_disputes(
    provided: Provided,
    by: Auditor,
    reason: Reason,
    *,
    limit: Annotated[int, Query(ge=1, le=1_000, description="The most platforms.")] = 100,
) -> schemas.DisputesOut:
    """List disputes by platform.

    The audit log records the read. Requires the scope `audit`.
    """
    found = await disputes.read_disputes(provided.store, by, reason, limit)
    return schemas.DisputesOut(platforms=[schemas.PlatformDisputesOut.of(each) for each in found])


@router.post(
    "/v1/disputes/decisions",
    dependencies=[Depends(require_json)],
    responses=keyed_responses(*BODY_PROBLEMS),
)
async def decide_disputes(
    provided: Provided, by: Admin, reason: Reason, body: schemas.DisputesDecisionIn
) -> schemas.DisputesDecidedOut:
    """Decide many disputes of a platform.

    The platform's disputes end, and so do the reviews of these hashes. Requires the scope `admin`.
    """
    decided = await disputes.decide_disputes(
        provided.store,
        by,
        reason,
        body.platform,
        decision=Decision(body.decision),
        limit=body.limit,
    )
    return schemas.DisputesDecidedOut(decided=decided)
