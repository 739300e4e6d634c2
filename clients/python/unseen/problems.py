"""Turn an HTTP error response (a problem, RFC 9457) into a typed error."""

import re
from collections.abc import Mapping
from typing import Any, Final

from .answers import one_line, parse_json
from .errors import (
    AccessRefusedError,
    CaseNotFoundError,
    FieldError,
    ImageNotFoundError,
    ImageRefusedError,
    KeyInactiveError,
    KeyReusedError,
    RequestRefusedError,
    ServiceError,
    StartAgainError,
    TooManyGuessesError,
    UnavailableError,
    UnexpectedAnswerError,
)

_PREFIX: Final = "urn:unseen:problem:"
_BY_SLUG: Final[Mapping[str, type[ServiceError]]] = {
    "invalid-request": RequestRefusedError,
    "quality-too-low": RequestRefusedError,
    "degenerate-hash": ImageRefusedError,
    "known-benign": ImageRefusedError,
    "crop-refused": RequestRefusedError,
    "too-similar": RequestRefusedError,
    "work-required": UnavailableError,
    "budget-spent": UnavailableError,
    "too-many-at-once": UnavailableError,
    "key-paused": AccessRefusedError,
    "body-too-large": RequestRefusedError,
    "unsupported-media-type": RequestRefusedError,
    "case-not-found": CaseNotFoundError,
    "image-not-found": ImageNotFoundError,
    "idempotency-key-reused": KeyReusedError,
    "too-many-guesses": TooManyGuessesError,
    "start-again": StartAgainError,
    "not-authenticated": AccessRefusedError,
    "key-inactive": KeyInactiveError,
    "scope-missing": AccessRefusedError,
    "unavailable": UnavailableError,
    "busy": UnavailableError,
    "internal": UnavailableError,
}


_SECONDS: Final = re.compile(r" *[0-9]{1,9} *")
_MAX_FIELDS: Final = 100


def error_of(status: int, body: bytes, retry_after: str | None = None) -> ServiceError:
    """Return the error for a response, given its status, body and Retry-After header."""
    problem = _problem(body)
    kind = one_line(str(problem.get("type", "")))
    slug = kind.removeprefix(_PREFIX)
    text = problem.get("detail") or problem.get("title") or f"The server answered {status}."
    return _BY_SLUG.get(slug, _unknown_problem(status, is_unseen=kind != slug))(
        one_line(str(text)),
        slug=slug,
        status=status,
        errors=_fields(problem),
        retry_after=parse_retry_after(retry_after),
    )


def _unknown_problem(status: int, *, is_unseen: bool) -> type[ServiceError]:
    """Return the class for a problem whose type this client does not know."""
    if status >= 500:
        return UnavailableError
    return RequestRefusedError if is_unseen else UnexpectedAnswerError


def parse_retry_after(retry_after: str | None) -> float | None:
    """Parse a Retry-After header in seconds; return None if it is missing or a date."""
    return float(retry_after) if retry_after and _SECONDS.fullmatch(retry_after) else None


def _problem(body: bytes) -> Mapping[str, Any]:
    """Parse a problem; return an empty one if the body is not a problem."""
    try:
        problem = parse_json(body)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _fields(problem: Mapping[str, Any]) -> list[FieldError]:
    listed = problem.get("errors")
    return [
        FieldError(one_line(str(entry.get("at", ""))), one_line(str(entry.get("detail", ""))))
        for entry in (listed[:_MAX_FIELDS] if isinstance(listed, list) else [])
        if isinstance(entry, dict)
    ]
