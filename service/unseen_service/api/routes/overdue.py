"""Overdue answers of platforms, for staff."""

from dataclasses import asdict
from typing import Annotated

from fastapi import Query

from ...errors import InvalidRequest
from ...usecases import overdue
from ..authentication import Auditor, Reason
from ..dependencies import Provided
from ..openapi import keyed_responses
from ..router import make_router
from ..schemas import overdue as schemas

router = make_router(tags=["staff"])


@router.get("/v1/overdue", responses=keyed_responses(InvalidRequest))
async def list_overdue(
    provided: Provided,
    by: Auditor,
    reason: Reason,
    limit: Annotated[int, Query(ge=1, le=1_000, description="The most items to return.")] = 100,
) -> schemas.OverdueOut:
    """List overdue answers of platforms, oldest first.

    An answer is overdue once a platform has owed it for more than `hours`. The audit log records
    the read. Requires the scope `audit`.
    """
    hours = provided.settings.overdue_hours
    found = await overdue.read_overdue(provided.store, by, reason, hours, limit)
    items = [schemas.OverdueItemOut.model_validate(asdict(each)) for each in found]
    return schemas.OverdueOut(hours=hours, overdue=items)
