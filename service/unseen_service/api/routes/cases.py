"""The person's calls: submit, look, withdraw."""

import secrets
from typing import Annotated

from fastapi import Depends, Header, Path, Response

from ... import credentials
from ...errors import InvalidRequest
from ...models.cases import Submission, SubmittedHash, SubmittedImage
from ..bodies import json_only
from ..dependencies import Provided
from ..openapi import problems
from ..router import make_router
from ..schemas import cases as schemas

router = make_router(tags=["person"])

Pin = Annotated[
    str, Header(alias="Unseen-Pin", max_length=64, description="The PIN that the device made.")
]
CaseNumber = Annotated[str, Path(max_length=32, examples=["UN-7K4M-9QTX"])]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[A-Za-z0-9_-]{16,64}$",
        description="Made by the client at random; the same submission sent again with the same "
        "key answers the same case.",
    ),
]
Proof = Annotated[
    str | None,
    Header(
        alias="Unseen-Work",
        max_length=256,
        description="A proof of work, where a 429 of the type work-required asked for one.",
    ),
]


@router.post(
    "/v1/cases",
    status_code=201,
    dependencies=[Depends(json_only)],
    responses={
        200: {"model": schemas.CaseOut, "description": "The case was there already."},
        **problems(409, 413, 415, 422, 429, 503),
    },
)
async def submit_case(
    provided: Provided,
    submission: schemas.SubmissionIn,
    response: Response,
    idempotency_key: IdempotencyKey = None,
    unseen_work: Proof = None,
) -> schemas.CaseOut:
    """Submit hashes. Once this answers, they are kept and matched within a second."""
    case, new = await provided.cases.submit(
        _submission(submission), idempotency_key or secrets.token_urlsafe(32), unseen_work
    )
    response.status_code = 201 if new else 200
    return schemas.CaseOut.of(case)


@router.get("/v1/cases/{number}", responses=problems(404, 422, 429, 503))
async def show_case(provided: Provided, number: CaseNumber, unseen_pin: Pin) -> schemas.CaseOut:
    """Show what became of a case."""
    return schemas.CaseOut.of(await provided.cases.status(number, unseen_pin))


@router.delete("/v1/cases/{number}", responses=problems(404, 422, 429, 503))
async def withdraw_case(provided: Provided, number: CaseNumber, unseen_pin: Pin) -> schemas.CaseOut:
    """Withdraw a case: from here on nothing of it matches. Again changes nothing."""
    return schemas.CaseOut.of(await provided.cases.withdraw(number, unseen_pin))


@router.delete("/v1/cases/{number}/images/{image}", responses=problems(404, 422, 429, 503))
async def withdraw_image(
    provided: Provided, number: CaseNumber, image: Annotated[int, Path(ge=1)], unseen_pin: Pin
) -> schemas.CaseOut:
    """Withdraw one image of a case; the last one withdraws the case."""
    return schemas.CaseOut.of(await provided.cases.withdraw(number, unseen_pin, image))


def _submission(body: schemas.SubmissionIn) -> Submission:
    pin = credentials.read_pin(body.pin)
    if pin is None:
        raise InvalidRequest("A PIN is 12 characters of Crockford's base32, as 4-4-4.", "pin")
    for i, image in enumerate(body.images):
        if len({each.view for each in image.hashes}) < len(image.hashes):
            raise InvalidRequest("An image has each view once.", f"images.{i}.hashes")
    return Submission(tuple(_image(image) for image in body.images), pin)


def _image(image: schemas.ImageIn) -> SubmittedImage:
    hashes = [SubmittedHash(bytes.fromhex(h.pdq), h.quality, h.view) for h in image.hashes]
    return SubmittedImage(tuple(hashes), image.convention)
