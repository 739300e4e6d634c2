"""Parse what a server sent: JSON within limits, and each field of the type that it should have.

Nothing here trusts the server: it may be another one, faulty, or in the wrong hands. What does not
fit raises ValueError (or KeyError for a missing field), which the callers turn into an error.
"""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any, Final, NoReturn

MAX_POSITION: Final = (1 << 63) - 1
"""The greatest position of a change log; PostgreSQL stores it in 64 bits."""

_MAX_DEPTH: Final = 32
_MAX_LABEL: Final = 200
_MAX_MESSAGE: Final = 2_000
_MAX_TIME: Final = 40
_ID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TOKEN: Final = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ESCAPE: Final = re.compile(rb"\\.", re.DOTALL)
_STRING: Final = re.compile(rb'"[^"]*"')
_NOT_STRUCTURE: Final = bytes(set(range(256)) - set(b'"{}[]'))
_STEPS: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def parse_json(body: bytes) -> Any:
    """Parse a JSON text. Raises ValueError, also if it is nested too deeply.

    Numbers that are not finite are refused: `Infinity` and `NaN` are not JSON.
    """
    if _depth(body) > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    return json.loads(body.decode("utf-8"), parse_constant=_refuse, parse_float=_finite)


def sequence(value: Any, most: int) -> Sequence[Any]:
    """Return a list of at most `most` items."""
    if not isinstance(value, list) or len(value) > most:
        raise ValueError(f"not a list of at most {most} items")
    return value


def integer(value: Any, most: int = MAX_POSITION) -> int:
    """Return a whole number from 0 to `most`."""
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"not a whole number from 0 to {most}")
    return value


def boolean(value: Any) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise ValueError("neither true nor false")  # noqa: TRY004 - as every other field
    return value


def identifier(value: Any) -> str:
    """Return a UUID, as the service writes it."""
    return _match(_ID, value, "not an ID")


def token(value: Any) -> str:
    """Return a name from a list that may grow: letters, digits, points and hyphens, at most 64."""
    return _match(_TOKEN, value, "not a name")


def label(value: Any) -> str:
    """Return a text that is shown to people: one line of at most 200 characters."""
    if not isinstance(value, str):
        raise ValueError("not a text")  # noqa: TRY004 - as every other field
    return one_line(value)[:_MAX_LABEL]


def moment(value: Any) -> datetime:
    """Return a time in UTC."""
    if not isinstance(value, str) or len(value) > _MAX_TIME:
        raise ValueError("not a time")
    parsed = datetime.fromisoformat(value)
    if parsed.tzinfo is None:
        raise ValueError("a time without an offset from UTC")
    try:
        return parsed.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time before year 1 or after 9999") from None


def one_line(text: str, most: int | None = _MAX_MESSAGE) -> str:
    """Replace what could steer a terminal or pretend to be another line.

    That is control characters, line breaks, characters that change the direction of the text, and
    halves of surrogate pairs. At most `most` characters are returned.
    """
    return "".join(char if char.isprintable() else "\ufffd" for char in text[:most])


def _depth(body: bytes) -> int:
    """Return how deeply lists and objects are nested, without reading them.

    The parser of the standard library calls itself for each, on the stack of the process.
    """
    if b"\\" in body:
        body = _ESCAPE.sub(b"", body)
    # Two quotes in a row: a string without brackets, or the end of one and the begin of the next.
    structure = body.translate(None, _NOT_STRUCTURE).replace(b'""', b"")
    structure = _STRING.sub(b"", structure)
    return max(accumulate(_STEPS.get(char, 0) for char in structure), default=0)


def _match(pattern: re.Pattern[str], value: Any, problem: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(problem)
    return value


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        _refuse(text)
    return number


def _refuse(_: str) -> NoReturn:
    raise ValueError("not a finite number")
