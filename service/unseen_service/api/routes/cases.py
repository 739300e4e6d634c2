"""Cases, for the person who submits: open, show, withdraw."""

import asyncio
import secrets
from typing import Annotated

from fastapi import Depends, Header, Path, Response

from ... import credentials
from ...errors import (
    Busy,
    CaseNotFound,
    CropRefused,
    DegenerateHash,
    ImageNotFound,
    InvalidRequest,
    KnownBenign,
    QualityTooLow,
    SubmissionReused,
    TooManyGuesses,
    TooSimilar,
    Unavailable,
    WorkRequired,
)
from ...models.cases import Submission, SubmittedHash, SubmittedImage
from ...usecases.guessable_pins import is_guessable
from ..bodies import require_json
from ..dependencies import Provided
from ..json_routes import CaseRoute
from ..openapi import BODY_PROBLEMS, problem_responses
from ..router import make_router
from ..schemas import cases as schemas

router = make_router(route_class=CaseRoute, tags=["person"])

Pin = Annotated[
    str,
    Header(
        alias="Unseen-Pin",
        max_length=64,
        description="The PIN of the case, in upper or lower case, with or without hyphens.",
    ),
]
CaseNumber = Annotated[
    str,
    Path(max_length=32, description="The number of the case.", examples=["UN-7K4M-9QTX"]),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[A-Za-z0-9_-]{16,64}$",
        description="A random string that the client generates. If the same submission is sent "
        "again with the same key and PIN, the response is the case that it opened.",
    ),
]
Proof = Annotated[
    str | None,
    Header(
        alias="Unseen-Work",
        max_length=256,
        description="A proof of work, if the response to the first attempt was the problem "
        "`work-required`: `<challenge>:<c0>,<c1>,…`, as docs/intake.md specifies.",
    ),
]
_PROBLEMS = (CaseNotFound, InvalidRequest, TooManyGuesses, Unavailable, Busy)


@router.post(
    "/v1/cases",
    status_code=201,
    dependencies=[Depends(require_json)],
    response_description="The new case.",
    responses={
        200: {"model": schemas.CaseOut, "description": "The case that this submission opened."},
        **problem_responses(
            *BODY_PROBLEMS,
            QualityTooLow,
            DegenerateHash,
            KnownBenign,
            TooSimilar,
            CropRefused,
            SubmissionReused,
            WorkRequired,
            Unavailable,
            Busy,
        ),
    },
)
async def submit_case(
    provided: Provided,
    submission: schemas.SubmissionIn,
    response: Response,
    idempotency_key: IdempotencyKey = None,
    unseen_work: Proof = None,
) -> schemas.CaseOut:
    """Open a case.

    Submit the hashes of one or more images. When the response arrives they are stored, and
    lookups find them within a second. A hash is rejected if its image has too little detail
    (`quality-too-low`), if it does not come from a photo (`degenerate-hash`), or if it is close
    to that of a known-benign image (`known-benign`); then nothing is stored.
    """
    await asyncio.sleep(0)  # others get a turn between checking and converting a thousand images
    converted = _submission(submission)
    await asyncio.sleep(0)
    case, new = await provided.cases.submit(
        converted, idempotency_key or secrets.token_urlsafe(32), unseen_work
    )
    response.status_code = 201 if new else 200
    return schemas.CaseOut.of(case)


@router.get("/v1/cases/{number}", responses=problem_responses(*_PROBLEMS))
async def show_case(provided: Provided, number: CaseNumber, unseen_pin: Pin) -> schemas.CaseOut:
    """Show a case.

    Returns the state of each image, and what each platform received, found and reported. A wrong
    PIN and a number that does not exist get the same response, `case-not-found`.
    """
    return schemas.CaseOut.of(await provided.cases.status(number, unseen_pin))


@router.delete("/v1/cases/{number}", responses=problem_responses(*_PROBLEMS))
async def withdraw_case(provided: Provided, number: CaseNumber, unseen_pin: Pin) -> schemas.CaseOut:
    """Withdraw a case.

    Its hashes are no longer matched, unless another case holds them too, and platforms that keep
    a copy are told to delete them. Withdrawing again changes nothing.
    """
    return schemas.CaseOut.of(await provided.cases.withdraw(number, unseen_pin))


@router.delete(
    "/v1/cases/{number}/images/{image}",
    responses=problem_responses(*_PROBLEMS, ImageNotFound),
)
async def withdraw_image(
    provided: Provided,
    number: CaseNumber,
    image: Annotated[int, Path(ge=1, description="The number of the image, from 1.")],
    unseen_pin: Pin,
) -> schemas.CaseOut:
    """Withdraw one image of a case.

    Withdrawing the last image withdraws the case. Withdrawing again changes nothing.
    """
    return schemas.CaseOut.of(await provided.cases.withdraw(number, unseen_pin, image))


def _submission(body: schemas.SubmissionIn) -> Submission:
    pin = credentials.read_pin(body.pin)
    if pin is None:
        raise InvalidRequest(
            "A PIN is 12 characters of Crockford's base32, in three groups of four.", "pin"
        )
    if is_guessable(pin):
        raise InvalidRequest(
            "This PIN is easy to guess: it repeats itself, or its characters follow one another. "
            "Let the device draw 12 characters at random.",
            "pin",
        )
    for i, image in enumerate(body.images):
        if len({each.view for each in image.hashes}) < len(image.hashes):
            raise InvalidRequest("An image has at most one hash per view.", f"images.{i}.hashes")
    return Submission(tuple(_image(image) for image in body.images), pin)


def _image(image: schemas.ImageIn) -> SubmittedImage:
    hashes = [SubmittedHash(bytes.fromhex(h.pdq), h.quality, h.view) for h in image.hashes]
    return SubmittedImage(tuple(hashes), image.convention)
