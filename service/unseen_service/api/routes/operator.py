"""The operator's calls: alive, ready."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse

from ...metrics import MEDIA_TYPE, exposition
from ..reference import POLICY, reference
from ..schemas import operator as schemas
from ..services import Provided

router = APIRouter(tags=["operator"])


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> HTMLResponse:
    """Show the API's reference."""
    page = reference(request.app.openapi())
    return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})


@router.get("/metrics", response_class=PlainTextResponse)
async def measured() -> Response:
    """Give what all workers of this host counted, for Prometheus."""
    return Response(exposition(), media_type=MEDIA_TYPE)


@router.get("/healthz")
async def alive() -> schemas.AliveOut:
    """Say that this worker is alive."""
    return schemas.AliveOut(status="alive")


@router.get(
    "/readyz",
    responses={503: {"model": schemas.ReadyOut, "description": "Not now; it says why."}},
)
async def ready(provided: Provided, response: Response) -> schemas.ReadyOut:
    """Say whether this worker is loaded and in step with the change log."""
    reasons = _reasons(provided)
    response.status_code = 503 if reasons else 200
    return schemas.ReadyOut(
        status="not-ready" if reasons else "ready",
        reasons=reasons,
        generation=provided.index.position,
        hashes=len(provided.index),
    )


def _reasons(provided: Provided) -> list[str]:
    if provided.index.loaded is None:
        return [f"the index is not loaded yet: {provided.index.progress} hashes so far"]
    behind = provided.follower.behind_for()
    if behind is None or 1_000 * behind > provided.settings.stale_after_ms:
        return ["the database is away: the index may be stale"]
    return []
