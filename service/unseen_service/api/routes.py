"""The routes, one a call of openapi.yaml."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from .. import codes, oversight
from ..chain import timestamp
from ..errors import InvalidRequest
from ..models import Key, Matched, Scope, Submission, SubmittedHash, SubmittedImage
from . import schemas
from .authentication import key_with
from .bodies import json_only, match_body
from .openapi import MATCH_REQUEST, problems
from .services import Provided

router = APIRouter()

Pin = Annotated[
    str, Header(alias="Unseen-Pin", max_length=64, description="The PIN that the device made.")
]
CaseNumber = Annotated[str, Path(max_length=32, examples=["UN-7K4M-9QTX"])]
IdempotencyKey = Annotated[
    str | None,
    Header(
        pattern=r"^[A-Za-z0-9_-]{16,64}$",
        description="Made by the client at random; the same submission sent again with the same "
        "key answers the same case.",
    ),
]


@router.post(
    "/v1/cases",
    status_code=201,
    tags=["person"],
    dependencies=[Depends(json_only)],
    responses={
        200: {"model": schemas.CaseOut, "description": "The case was there already."},
        **problems(409, 413, 415, 422, 503),
    },
)
async def submit_case(
    provided: Provided,
    submission: schemas.SubmissionIn,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> schemas.CaseOut:
    """Submit hashes. Once this answers, they are kept and matched within a second."""
    case, new = await provided.takedown.submit(
        _submission(submission), idempotency_key or secrets.token_urlsafe(32)
    )
    response.status_code = 201 if new else 200
    return schemas.CaseOut.of(case)


@router.get("/v1/cases/{number}", tags=["person"], responses=problems(404, 422, 429, 503))
async def show_case(provided: Provided, number: CaseNumber, unseen_pin: Pin) -> schemas.CaseOut:
    """Show what became of a case."""
    return schemas.CaseOut.of(await provided.takedown.status(number, unseen_pin))


@router.delete("/v1/cases/{number}", tags=["person"], responses=problems(404, 422, 429, 503))
async def withdraw_case(provided: Provided, number: CaseNumber, unseen_pin: Pin) -> schemas.CaseOut:
    """Withdraw a case: from here on nothing of it matches. Again changes nothing."""
    return schemas.CaseOut.of(await provided.takedown.withdraw(number, unseen_pin))


@router.delete(
    "/v1/cases/{number}/images/{image}", tags=["person"], responses=problems(404, 422, 429, 503)
)
async def withdraw_image(
    provided: Provided, number: CaseNumber, image: Annotated[int, Path(ge=1)], unseen_pin: Pin
) -> schemas.CaseOut:
    """Withdraw one image of a case; the last one withdraws the case."""
    return schemas.CaseOut.of(await provided.takedown.withdraw(number, unseen_pin, image))


@router.post(
    "/v1/match",
    tags=["platform"],
    response_model=schemas.MatchOut,
    openapi_extra=MATCH_REQUEST,
    responses=problems(401, 403, 413, 415, 422, 503),
)
async def match(
    provided: Provided, request: Request, key: Annotated[Key, Depends(key_with(Scope.MATCH))]
) -> Response:
    """Ask whether hashes are close to any that are kept; every hit is recorded."""
    queries, distance = await match_body(request)
    limit = provided.settings.max_distance
    if distance is not None and distance > limit:
        raise InvalidRequest(f"The distance may be {limit} bits at most.", "max_distance")
    radius = limit if distance is None else distance
    return _match_answer(await provided.matching.look_up(key, queries, radius))


@router.get("/v1/audit", tags=["staff"], responses=problems(401, 403, 422, 503))
async def read_audit(
    provided: Provided,
    _: Annotated[Key, Depends(key_with(Scope.AUDIT))],
    after: Annotated[int, Query(ge=0, lt=1 << 63)] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    kind: Annotated[str | None, Query(pattern=r"^[a-z.-]{1,64}$")] = None,
) -> schemas.AuditOut:
    """Read the audit log, oldest first."""
    page = await oversight.read_audit(provided.store, after=after, limit=limit, kind=kind)
    return schemas.AuditOut(
        entries=[
            schemas.AuditEntryOut(
                position=entry.position,
                at=timestamp(entry.at),
                kind=entry.kind,
                actor=entry.actor,
                subject=entry.subject,
                details=dict(entry.details),
                digest=entry.digest.hex(),
            )
            for entry in page.entries
        ],
        head=schemas.AuditHeadOut(position=page.head_position, digest=page.head_digest.hex()),
    )


@router.get("/healthz", tags=["operator"])
async def alive() -> schemas.AliveOut:
    """Say that this worker is alive."""
    return schemas.AliveOut(status="alive")


@router.get(
    "/readyz",
    tags=["operator"],
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
    if not provided.index.loaded:
        return ["the index is not loaded yet"]
    behind = provided.follower.behind_for()
    if behind is None or 1_000 * behind > provided.settings.stale_after_ms:
        return ["the database is away: the index may be stale"]
    return []


def _submission(body: schemas.SubmissionIn) -> Submission:
    pin = codes.read_pin(body.pin)
    if pin is None:
        raise InvalidRequest("A PIN is 12 characters of Crockford's base32, as 4-4-4.", "pin")
    for i, image in enumerate(body.images):
        if len({each.view for each in image.hashes}) < len(image.hashes):
            raise InvalidRequest("An image has each view once.", f"images.{i}.hashes")
    return Submission(tuple(_image(image) for image in body.images), pin)


def _image(image: schemas.ImageIn) -> SubmittedImage:
    hashes = [SubmittedHash(bytes.fromhex(h.pdq), h.quality, h.view) for h in image.hashes]
    return SubmittedImage(tuple(hashes), image.convention)


def _match_answer(matched: Matched) -> Response:
    """Write the answer by hand: this is the hot path, and its values are known to be plain."""
    hits = [
        {
            "query": hit.query,
            "record": str(hit.record),
            "distance": hit.distance,
            "view": hit.view.value,
            "standing": hit.standing.value,
        }
        for hit in matched.hits
    ]
    return JSONResponse({"generation": matched.generation, "hits": hits})
