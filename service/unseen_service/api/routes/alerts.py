"""Alerts, for staff."""

from typing import Annotated

from fastapi import Query

from ...errors import InvalidRequest
from ...usecases import alerts
from ..authentication import Auditor, Reason
from ..dependencies import Provided
from ..openapi import keyed_responses
from ..router import make_router
from ..schemas import alerts as schemas

router = make_router(tags=["staff"])


@router.get("/v1/alerts", responses=keyed_responses(InvalidRequest))
async def read_alerts(
    provided: Provided,
    by: Auditor,
    reason: Reason,
    limit: Annotated[int, Query(ge=1, le=1_000, description="The most alerts to return.")] = 100,
) -> schemas.AlertsOut:
    """List alerts, newest first.

    An alert tells staff that the lookups of a key family look like probing, or hit far more often
    than before. The audit log records the read. Requires the scope `audit`.
    """
    found = await alerts.read_alerts(provided.store, by, reason, limit)
    return schemas.AlertsOut(alerts=[schemas.AlertOut.of(each) for each in found])
