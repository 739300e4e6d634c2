"""The operator's calls: alive, ready."""

import asyncio

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse

from ...metrics import MEDIA_TYPE, exposition
from .. import readiness
from ..dependencies import Provided
from ..reference import POLICY, reference
from ..router import make_router
from ..schemas import health as schemas

router = make_router(tags=["operator"])


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> HTMLResponse:
    """Show the API's reference."""
    page = reference(request.app.openapi())
    return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})


@router.get("/metrics", response_class=PlainTextResponse)
async def measured() -> Response:
    """Give what all workers of this host counted, for Prometheus."""
    # In a thread: the files of many workers take a while to add up, and look-ups must not wait.
    return Response(await asyncio.to_thread(exposition), media_type=MEDIA_TYPE)


@router.get("/healthz")
async def alive() -> schemas.AliveOut:
    """Say that this worker is alive."""
    return schemas.AliveOut(status="alive")


@router.get(
    "/readyz",
    response_model_exclude_none=True,
    responses={503: {"model": schemas.ReadyOut, "description": "Not now; it says why."}},
)
async def ready(provided: Provided, response: Response) -> schemas.ReadyOut:
    """Say whether this worker is loaded and in step with the change log, and if not, why.

    One that has been cut off from PostgreSQL for a short time is ready, and says so: it answers
    misses, and hits with 503.
    """
    stale_after = provided.settings.stale_after_ms / 1_000
    reasons = readiness.reasons(
        provided.index, provided.follower, provided.clock.now(), stale_after
    )
    ready = all(each.code == "cut-off" for each in reasons)
    response.status_code = 200 if ready else 503
    return schemas.ReadyOut(
        status="ready" if ready else "not-ready",
        reasons=reasons,
        generation=provided.index.position,
        hashes=len(provided.index),
    )
