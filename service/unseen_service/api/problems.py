"""Errors as RFC 9457 problem+json: what went wrong, what to do, never what was sent."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from .. import errors

MEDIA_TYPE = "application/problem+json"
PREFIX = "urn:unseen:problem:"

logger = logging.getLogger(__name__)


class Spot(BaseModel):
    """One place in the request that is wrong."""

    at: str
    detail: str


class Work(BaseModel):
    """The proof of work that is asked for; docs/intake.md says how it is done."""

    challenge: str
    puzzles: int
    target: int


class Problem(BaseModel):
    """RFC 9457: `type` is for programs, `detail` for people."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    errors: list[Spot] | None = None
    work: Work | None = None


_KINDS: Mapping[type[errors.ServiceError], tuple[int, str, str]] = {
    errors.InvalidRequest: (422, "invalid-request", "The request breaks a rule"),
    errors.QualityTooLow: (422, "quality-too-low", "An image has too little detail"),
    errors.DegenerateHash: (422, "degenerate-hash", "A hash is not of a picture"),
    errors.KnownBenign: (422, "known-benign", "An image is a well-known harmless one"),
    errors.WorkRequired: (429, "work-required", "Some computing is asked for"),
    errors.SubmissionReused: (409, "idempotency-key-reused", "The Idempotency-Key was used"),
    errors.CaseNotFound: (404, "case-not-found", "No such case"),
    errors.ImageNotFound: (404, "image-not-found", "No such image"),
    errors.FeedGone: (410, "start-again", "The cursor is of another history"),
    errors.NoSuchCase: (404, "case-not-found", "No such case"),
    errors.WebhookNotFound: (404, "webhook-not-found", "No such webhook"),
    errors.KeyNotFound: (404, "key-not-found", "No such key"),
    errors.ReviewNotFound: (404, "review-not-found", "No such review"),
    errors.ReviewChanged: (409, "review-changed", "Another was faster"),
    errors.SecondPersonNeeded: (409, "second-person-needed", "A second person is needed"),
    errors.NotAuthenticated: (401, "not-authenticated", "A key is needed"),
    errors.ScopeMissing: (403, "scope-missing", "The key may not do this"),
    errors.KeyPaused: (403, "key-paused", "The key is paused"),
    errors.BudgetSpent: (429, "budget-spent", "The key has spent its budget"),
    errors.TooManyGuesses: (429, "too-many-guesses", "Too many wrong PINs"),
    errors.ChainBroken: (500, "audit-broken", "The audit log does not fit"),
    errors.Unavailable: (503, "unavailable", "Not now"),
}

_BY_STATUS: Mapping[int, tuple[str, str, str]] = {
    404: ("not-found", "Nothing here", "There is nothing at this address; see openapi.yaml."),
    405: ("method-not-allowed", "Not this way", "This address does not take this method."),
    413: ("body-too-large", "The body is too large", "Send less at a time."),
    415: ("unsupported-media-type", "Not this media type", "Send this as JSON."),
}


def problem(
    status: int,
    slug: str,
    title: str,
    detail: str,
    *,
    spots: Sequence[Spot] = (),
    work: Work | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Make the answer."""
    body = Problem(type=PREFIX + slug, title=title, status=status, detail=detail)
    body.errors = list(spots) or None
    body.work = work
    return JSONResponse(
        body.model_dump(exclude_none=True), status, headers=headers, media_type=MEDIA_TYPE
    )


def _service_error(_: Request, error: Exception) -> JSONResponse:
    for kind in type(error).__mro__:
        if kind in _KINDS:
            status, slug, title = _KINDS[kind]
            return problem(
                status,
                slug,
                title,
                str(error),
                spots=_spots(error),
                work=_work(error),
                headers=_headers(error),
            )
    return _unexpected(_, error)


def _spots(error: Exception) -> list[Spot]:
    if isinstance(error, errors.QualityTooLow):
        return [Spot(at=at, detail="The quality is under 50.") for at in error.at]
    if isinstance(error, errors.DegenerateHash):
        return [Spot(at=at, detail=why) for at, why in error.spots]
    if isinstance(error, errors.KnownBenign):
        return [Spot(at=at, detail="It is close to a well-known harmless one.") for at in error.at]
    if isinstance(error, errors.InvalidRequest) and error.at:
        return [Spot(at=error.at, detail=str(error))]
    return []


def _work(error: Exception) -> Work | None:
    if not isinstance(error, errors.WorkRequired):
        return None
    return Work(challenge=error.challenge, puzzles=error.puzzles, target=error.target)


def _headers(error: Exception) -> dict[str, str]:
    if isinstance(error, errors.NotAuthenticated):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, errors.BudgetSpent | errors.TooManyGuesses | errors.Unavailable):
        return {"Retry-After": str(error.retry_after)}
    return {}


def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    # Pydantic's errors carry the input: only where and why are passed on.
    spots = [Spot(at=_place(each["loc"]), detail=_sentence(each)) for each in error.errors()[:20]]
    first = f"{spots[0].at}: {spots[0].detail}" if spots else "It cannot be read."
    return problem(422, "invalid-request", "The request breaks a rule", first, spots=spots)


def _place(parts: Sequence[int | str]) -> str:
    """Name a place in the request.

    A field that is none may have any name, a key for one: of a long one only the beginning.
    """
    short = (part if len(part) <= 24 else f"{part[:12]}..." for part in map(str, parts))
    return ".".join(short).removeprefix("body.")


_SENTENCES = {
    "string_pattern_mismatch": "It does not have the form that openapi.yaml gives.",
    "json_invalid": "This is not JSON.",
    "missing": "This is missing.",
    "extra_forbidden": "There is no such field.",
}


def _sentence(error: Mapping[str, Any]) -> str:
    return _SENTENCES.get(error["type"]) or f"{error['msg']}."


def _http_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code not in _BY_STATUS:
        # FastAPI's own 400: a body that is not even text.
        return problem(422, "invalid-request", "The request breaks a rule", "It cannot be read.")
    slug, title, detail = _BY_STATUS[error.status_code]
    if error.detail and error.status_code in (413, 415):
        detail = str(error.detail)
    return problem(error.status_code, slug, title, detail, headers=error.headers)


def _unexpected(_: Request, error: Exception) -> JSONResponse:
    # Only the kind and the place: an exception's text may hold what was sent.
    logger.error("unexpected %s", type(error).__name__, exc_info=_without_text(error))
    detail = "Something went wrong on our side; it was noted. Try again later."
    return problem(500, "internal", "Something went wrong", detail)


def _without_text(error: Exception) -> tuple[type[Exception], Exception, Any]:
    return type(error), Exception("(text left out of the log)"), error.__traceback__


handlers: dict[type[Exception], Callable[[Request, Exception], JSONResponse]] = {
    errors.ServiceError: _service_error,
    RequestValidationError: _invalid,
    HTTPException: _http_error,
    Exception: _unexpected,
}
"""For FastAPI's `exception_handlers`."""


def answer(request: Request, error: Exception) -> JSONResponse:
    """Answer an error as `handlers` say, nearest kind first."""
    return next(handlers[kind] for kind in type(error).__mro__ if kind in handlers)(request, error)
