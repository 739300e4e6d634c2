"""Errors as problem documents (RFC 9457): what went wrong and what to do, not what was sent."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from .. import errors
from .methods import methods_of

MEDIA_TYPE = "application/problem+json"
PREFIX = "urn:unseen:problem:"

logger = logging.getLogger(__name__)


class Spot(BaseModel):
    """One place in the request that is wrong."""

    at: str = Field(
        description="A dotted path; `header.` or `query.` if it is not in the body.",
        examples=["images.3.hashes.0.pdq"],
    )
    detail: str = Field(description="What is wrong there. It never repeats the value.")


class Work(BaseModel):
    """The proof of work that a submission requires; docs/intake.md specifies it."""

    challenge: str = Field(description="Sent back with the solutions. Valid for a few minutes.")
    puzzles: int = Field(description="Number of puzzles to solve.")
    target: int = Field(description="The number that each solution's hash must be less than.")


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(
        description="What went wrong, for programs; it does not change between versions.",
        examples=["urn:unseen:problem:invalid-request"],
    )
    title: str = Field(description="What went wrong, in a few words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What went wrong and what to do, for people.")
    errors: list[Spot] | None = Field(
        default=None, description="The places in the request that are wrong."
    )
    work: Work | None = Field(default=None, description="Only in `work-required`.")


HTTP_PROBLEMS: Mapping[int, tuple[str, str, str]] = {
    404: ("not-found", "Not found", "There is nothing at this path. openapi.yaml lists all paths."),
    405: ("method-not-allowed", "Method not allowed", "This path does not support this method."),
    413: ("body-too-large", "The body is too large", "Send less at a time."),
    415: ("unsupported-media-type", "Unsupported media type", "Send this as JSON."),
}
"""Type, title and detail of the problems of HTTP itself, by status."""

_UNREADABLE = "The request cannot be read."


def problem(
    status: int,
    slug: str,
    title: str,
    detail: str,
    *,
    spots: Sequence[Spot] = (),
    members: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return the response for a problem; `members` are further members of the document."""
    body = Problem(type=PREFIX + slug, title=title, status=status, detail=detail, **members or {})
    body.errors = list(spots) or None
    return JSONResponse(
        body.model_dump(exclude_none=True), status, headers=headers, media_type=MEDIA_TYPE
    )


def _service_error(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, errors.ServiceError) or error.slug == errors.ServiceError.slug:
        return _unexpected(_, error)
    return problem(
        error.status,
        error.slug,
        error.title,
        str(error),
        spots=[Spot(at=at, detail=detail) for at, detail in error.spots],
        members=error.members,
        headers=error.headers,
    )


def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    # Pydantic's errors contain the input: pass on only where and why.
    spots = [Spot(at=_place(each["loc"]), detail=_sentence(each)) for each in error.errors()[:20]]
    first = f"{spots[0].at}: {spots[0].detail}" if spots else _UNREADABLE
    return problem(422, "invalid-request", "The request breaks a rule", first, spots=spots)


def _place(parts: Sequence[int | str]) -> str:
    """Return a place in the request as a dotted path.

    Long names are cut: an unknown field may have any name, even a key.
    """
    short = (part if len(part) <= 24 else f"{part[:12]}..." for part in map(str, parts))
    return ".".join(short).removeprefix("body.")


_SENTENCES = {
    "string_pattern_mismatch": "It does not have the format that openapi.yaml gives.",
    "json_invalid": "This is not JSON.",
    "missing": "This field is missing.",
    "extra_forbidden": "There is no such field.",
}


def _sentence(error: Mapping[str, Any]) -> str:
    return _SENTENCES.get(error["type"]) or f"{error['msg']}."


def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code not in HTTP_PROBLEMS:
        # FastAPI's own 400: a body that is not valid UTF-8.
        return problem(422, "invalid-request", "The request breaks a rule", _UNREADABLE)
    slug, title, detail = HTTP_PROBLEMS[error.status_code]
    if error.detail and error.status_code in (413, 415):
        detail = str(error.detail)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        # The router names the methods of the first of several routes of this path.
        headers["Allow"] = ", ".join(methods_of(request.app.routes, request.url.path))
    return problem(error.status_code, slug, title, detail, headers=headers)


def _unexpected(_: Request, error: Exception) -> JSONResponse:
    # Log the type and the traceback only: the text may contain what was sent.
    logger.error("unexpected %s", type(error).__name__, exc_info=_without_text(error))
    detail = "Something went wrong on our side and was logged. Try again later."
    return problem(500, "internal", "Something went wrong", detail)


def _without_text(error: Exception) -> tuple[type[Exception], Exception, Any]:
    return type(error), Exception("(text omitted)"), error.__traceback__


handlers: dict[type[Exception], Callable[[Request, Exception], JSONResponse]] = {
    errors.ServiceError: _service_error,
    RequestValidationError: _invalid,
    HTTPException: _http_error,
    Exception: _unexpected,
}
"""For FastAPI's `exception_handlers`."""


def answer(request: Request, error: Exception) -> JSONResponse:
    """Return the response for an error, from the handler of its nearest class."""
    return next(handlers[kind] for kind in type(error).__mro__ if kind in handlers)(request, error)
