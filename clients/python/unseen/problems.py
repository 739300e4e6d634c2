"""From an HTTP answer that is no success to the typed error that tells of it (RFC 9457)."""

import json
from collections.abc import Mapping
from typing import Any, Final

from .errors import (
    AccessRefusedError,
    CaseNotFoundError,
    FieldError,
    ImageNotFoundError,
    ImageRefusedError,
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
    "work-required": UnavailableError,
    "budget-spent": UnavailableError,
    "key-paused": AccessRefusedError,
    "body-too-large": RequestRefusedError,
    "unsupported-media-type": RequestRefusedError,
    "case-not-found": CaseNotFoundError,
    "image-not-found": ImageNotFoundError,
    "idempotency-key-reused": KeyReusedError,
    "too-many-guesses": TooManyGuessesError,
    "start-again": StartAgainError,
    "not-authenticated": AccessRefusedError,
    "scope-missing": AccessRefusedError,
    "unavailable": UnavailableError,
    "internal": UnavailableError,
}


def error_of(status: int, body: bytes, retry_after: str | None = None) -> ServiceError:
    """Make the error of an answer: its status, its body, its Retry-After header."""
    problem = _problem(body)
    kind = str(problem.get("type", ""))
    slug = kind.removeprefix(_PREFIX)
    return _BY_SLUG.get(slug, _unnamed(status, ours=kind != slug))(
        str(problem.get("detail") or problem.get("title") or f"The server answered {status}."),
        slug=slug,
        status=status,
        errors=_fields(problem),
        retry_after=seconds(retry_after),
    )


def _unnamed(status: int, *, ours: bool) -> type[ServiceError]:
    """Choose the error of a problem that this client knows no name for."""
    if status >= 500:
        return UnavailableError
    return RequestRefusedError if ours else UnexpectedAnswerError


def seconds(retry_after: str | None) -> float | None:
    """Read a Retry-After header in seconds; its rarer form, a date, counts as none."""
    return float(retry_after) if retry_after and retry_after.strip().isdigit() else None


def _problem(body: bytes) -> Mapping[str, Any]:
    """Read a problem; a body that holds none gives an empty one."""
    try:
        problem = json.loads(body)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _fields(problem: Mapping[str, Any]) -> list[FieldError]:
    listed = problem.get("errors")
    return [
        FieldError(str(entry.get("at", "")), str(entry.get("detail", "")))
        for entry in (listed if isinstance(listed, list) else [])
        if isinstance(entry, dict)
    ]
