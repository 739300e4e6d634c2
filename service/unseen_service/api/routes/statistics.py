"""Statistics per hour or day, for staff."""

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import Query

from ...errors import InvalidRequest
from ...usecases import statistics
from ..authentication import Auditor, Reason
from ..dependencies import Provided
from ..openapi import keyed_responses
from ..router import make_router
from ..schemas import statistics as schemas

router = make_router(tags=["staff"])


@router.get("/v1/statistics", responses=keyed_responses(InvalidRequest))
async def read_statistics(
    provided: Provided,
    staff: Auditor,
    reason: Reason,
    *,
    by: Annotated[Literal["hour", "day"], Query(description="The length of a period.")] = "hour",
    count: Annotated[
        int, Query(ge=1, le=400, description="The number of periods, up to the current one.")
    ] = 48,
) -> schemas.StatisticsOut:
    """Count submissions, withdrawals, hits and misses.

    Counts are per hour or day, and lag a few seconds behind. The audit log records the read.
    Requires the scope `audit`.
    """
    found, open_reviews = await statistics.read_statistics(provided.store, staff, reason, by, count)
    return schemas.StatisticsOut(
        by=by,
        stretches=[schemas.StretchOut.model_validate(asdict(each)) for each in found],
        hashes=len(provided.index),
        open_reviews=open_reviews,
    )
