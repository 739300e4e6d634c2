"""Health, metrics and the API reference, for operators."""

import asyncio
import json
from functools import cache
from typing import Literal

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import PlainTextResponse

from ...metrics import MEDIA_TYPE, exposition
from .. import readiness
from ..dependencies import Provided
from ..fixed_pages import REVALIDATE, FixedPage
from ..openapi import problem_responses
from ..operator_address import is_operator
from ..reference import POLICY, reference
from ..router import make_router
from ..schemas import health as schemas

router = make_router(tags=["operator"])


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> Response:
    """Show the API reference."""
    return _reference_page(request.app).answer(request)


@router.get("/openapi.json", include_in_schema=False)
async def openapi(request: Request) -> Response:
    """Return the description of the API."""
    return _openapi_page(request.app).answer(request)


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    response_description="Metrics in the text format of Prometheus.",
    responses=problem_responses(404),
)
async def measured(request: Request, provided: Provided) -> Response:
    """Export metrics for Prometheus.

    Only on the operator's address; 404 elsewhere. Counters are summed over all workers of the host.
    """
    if not is_operator(request, provided.settings.operator_address):
        raise HTTPException(404)
    # In a thread: it takes a while to add up the files of many workers, and lookups must not wait.
    return Response(await asyncio.to_thread(exposition), media_type=MEDIA_TYPE)


@router.get("/healthz")
async def alive() -> schemas.AliveOut:
    """Check that a worker is alive.

    Does not query PostgreSQL.
    """
    return schemas.AliveOut(status="alive")


@router.get(
    "/readyz",
    response_model_exclude_none=True,
    response_description="The worker is ready.",
    responses={
        503: {
            "model": schemas.ReadyOut,
            "description": "The worker is not ready; `reasons` says why.",
        }
    },
)
async def ready(request: Request, provided: Provided, response: Response) -> schemas.ReadyOut:
    """Check that a worker is ready.

    A worker is ready once its index is loaded and up to date with the change log. If PostgreSQL
    became unavailable a short time ago, the worker remains ready and gives the reason `cut-off`:
    lookups without a hit are answered, lookups with a hit get 503. Counts, and numbers in
    `reasons`, are given on the operator's address only.
    """
    stale_after = provided.settings.stale_after_ms / 1_000
    reasons = readiness.reasons(
        provided.index,
        provided.follower,
        provided.write_health,
        provided.clock.now(),
        stale_after,
    )
    is_ready = readiness.is_ready(reasons, provided.follower)
    response.status_code = 200 if is_ready else 503
    status: Literal["ready", "not-ready"] = "ready" if is_ready else "not-ready"
    if not is_operator(request, provided.settings.operator_address):
        return schemas.ReadyOut(status=status, reasons=readiness.without_numbers(reasons))
    return schemas.ReadyOut(
        status=status,
        reasons=reasons,
        generation=provided.index.position,
        hashes=len(provided.index),
    )


@cache
def _reference_page(app: FastAPI) -> FixedPage:
    return FixedPage(
        reference(app.openapi()).encode(),
        {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": POLICY,
            "Cache-Control": REVALIDATE,
        },
    )


@cache
def _openapi_page(app: FastAPI) -> FixedPage:
    body = json.dumps(app.openapi(), ensure_ascii=False, separators=(",", ":")).encode()
    return FixedPage(body, {"Content-Type": "application/json", "Cache-Control": REVALIDATE})
