"""Counts per hour or day, for staff."""

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import Query

from ...usecases import statistics
from ..authentication import Auditor, Reason
from ..dependencies import Provided
from ..openapi import keyed
from ..router import make_router
from ..schemas import statistics as schemas

router = make_router(tags=["staff"])


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
    found, open_reviews = await statistics.read_statistics(provided.store, staff, reason, by, count)
    return schemas.StatisticsOut(
        by=by,
        stretches=[schemas.StretchOut.model_validate(asdict(each)) for each in found],
        hashes=len(provided.index),
        open_reviews=open_reviews,
    )
