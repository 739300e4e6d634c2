"""Alerts, for staff."""

from typing import Annotated

from fastapi import Query

from ...usecases import alerts
from ..authentication import Auditor, Reason
from ..dependencies import Provided
from ..openapi import keyed
from ..router import make_router
from ..schemas import alerts as schemas

router = make_router(tags=["staff"])


@router.get("/v1/alerts", responses=keyed(422))
async def read_alerts(
    provided: Provided,
    by: Auditor,
    reason: Reason,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> schemas.AlertsOut:
    """Read what staff should look at, newest first: keys whose look-ups are like probing."""
    found = await alerts.read_alerts(provided.store, by, reason, limit)
    return schemas.AlertsOut(alerts=[schemas.AlertOut.of(each) for each in found])
