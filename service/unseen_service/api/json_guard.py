"""JSON within limits, checked before anything is validated.

Validation collects an error for every member that it does not know, and Python's parser builds
whatever is sent: 1.7 MB of unknown members took seconds of CPU and hundreds of megabytes. Here a
body is counted first, which costs next to nothing, and refused at the first thing that is wrong.
Duplicate members are refused too: parsers disagree on which one counts.
"""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, NoReturn

from ..errors import InvalidRequest

MAX_MEMBERS = 64
"""Members of one JSON object. The largest object of the API has fewer than ten."""
MAX_DIGITS = 19
"""Characters of a whole number: 63 bits have no more."""
MAX_FLOAT_CHARACTERS = 32
_SHOWN_CHARACTERS = 24


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """The largest JSON body of a route: bytes, and values (items of arrays, members of objects)."""

    bytes: int
    values: int


SMALL = BodyLimits(16 * 1024, 1_024)
"""What a body may be unless its route says otherwise, and wherever no active key was sent."""


def parse(body: bytes, max_values: int) -> Any:
    """Return what a JSON body says. Raises InvalidRequest, which does not repeat the body."""
    # Each item of an array and each member of an object follows one of these three characters.
    if body.count(b",") + body.count(b"[") + body.count(b"{") > max_values:
        raise InvalidRequest(
            f"The body has more than {max_values} values. Send less at a time.", "body"
        )
    try:
        return _DECODER.decode(body.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise InvalidRequest(f"This is not JSON, from character {error.pos + 1} on.", "body") from (
            None
        )
    except UnicodeDecodeError:
        raise InvalidRequest("The body is not UTF-8.", "body") from None
    except RecursionError:
        raise InvalidRequest("The body is nested too deeply.", "body") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_MEMBERS:
        raise InvalidRequest(
            f"An object has more than {MAX_MEMBERS} members; openapi.yaml lists those that exist.",
            "body",
        )
    members = dict(pairs)
    if len(members) < len(pairs):
        raise InvalidRequest("A member occurs twice in one object.", _first_duplicate(pairs))
    return members


def _first_duplicate(pairs: list[tuple[str, Any]]) -> str:
    """Return the name that occurs twice, cut if it is long: it could be anything, even a key."""
    counts = Counter(each for each, _ in pairs)
    name = next(each for each, number in counts.items() if number > 1)
    # Half of a surrogate pair is allowed in JSON, and cannot be sent back.
    name = name.encode("ascii", "backslashreplace").decode()
    return name if len(name) <= _SHOWN_CHARACTERS else f"{name[: _SHOWN_CHARACTERS // 2]}..."


def _whole_number(text: str) -> int:
    if len(text) > MAX_DIGITS + text.startswith("-"):
        raise InvalidRequest(f"A number has more than {MAX_DIGITS} digits.", "body")
    return int(text)


def _float(text: str) -> float:
    if len(text) > MAX_FLOAT_CHARACTERS:
        raise InvalidRequest(
            f"A number has more than {MAX_FLOAT_CHARACTERS} characters.",
            "body",
        )
    return float(text)


def _constant(_: str) -> NoReturn:
    raise InvalidRequest("NaN and Infinity are not JSON.", "body")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_whole_number,
    parse_float=_float,
    parse_constant=_constant,
)
