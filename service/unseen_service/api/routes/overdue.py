"""What platforms have not answered in time, for staff."""

from dataclasses import asdict
from typing import Annotated

from fastapi import Query

from ...usecases import overdue
from ..authentication import Auditor, Reason
from ..dependencies import Provided
from ..openapi import keyed
from ..router import make_router
from ..schemas import overdue as schemas

router = make_router(tags=["staff"])


@router.get("/v1/overdue", responses=keyed(422))
async def list_overdue(
    provided: Provided,
    by: Auditor,
    reason: Reason,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> schemas.OverdueOut:
    """List what platforms have not answered within the service's hours, the oldest first.

    That it was read is an entry.
    """
    hours = provided.settings.overdue_hours
    found = await overdue.read_overdue(provided.store, by, reason, hours, limit)
    items = [schemas.OverdueItemOut.model_validate(asdict(each)) for each in found]
    return schemas.OverdueOut(hours=hours, overdue=items)
