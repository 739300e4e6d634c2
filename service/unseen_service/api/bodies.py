"""Request bodies that are parsed by hand: media types, and hashes into an array."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from ..errors import InvalidRequest
from ..models.hashes import HASH_BYTES
from . import json_guard
from .query_parameters import check_names
from .schemas.match import MAX_MATCH_HASHES, MatchIn

JSON = "application/json"
RAW = "application/octet-stream"

MAX_VALUES = MAX_MATCH_HASHES + 62
"""Values of a lookup: its hashes, and more than there are besides."""

Queries = npt.NDArray[np.uint8]


def media_type(request: Request) -> str:
    """Return the media type of a body, in lower case and without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def require_json(request: Request) -> None:
    """Reject a body whose media type is not JSON (a dependency)."""
    if media_type(request) != JSON:
        raise HTTPException(415, f"Send this as Content-Type: {JSON}.")


@dataclass(frozen=True, slots=True)
class MatchParser:
    """Parses the body of a lookup, in one media type."""

    parse: Callable[[Request, bytes], tuple[Queries, int | None]]
    """Return the hashes (uint8[q, 32]), and the distance in bits if one is given.

    Raises RequestValidationError, InvalidRequest.
    """
    bytes_per_hash: int

    def most_hashes(self, body: bytes) -> int:
        """Return how many hashes a body has at most."""
        return len(body) // self.bytes_per_hash


def match_parser(request: Request) -> MatchParser:
    """Return the parser for the body of a lookup. Raises HTTPException (415), InvalidRequest."""
    check_names(request, ["max_distance"])
    parser = _PARSERS.get(media_type(request))
    if parser is None:
        raise HTTPException(415, f"Send hashes as Content-Type: {JSON} or {RAW}.")
    return parser


def _parse_json(request: Request, body: bytes) -> tuple[Queries, int | None]:
    try:
        lookup = MatchIn.model_validate(json_guard.parse(body, MAX_VALUES))
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False)) from None
    bits = np.frombuffer(bytes.fromhex("".join(lookup.hashes)), np.uint8)
    distance = _distance_parameter(request)
    if distance is not None and lookup.max_distance is not None:
        raise InvalidRequest(
            "Give max_distance once: in the body or as a parameter.", "query.max_distance"
        )
    return bits.reshape(-1, HASH_BYTES), lookup.max_distance if distance is None else distance


def _parse_raw(request: Request, body: bytes) -> tuple[Queries, int | None]:
    count, rest = divmod(len(body), HASH_BYTES)
    if rest or not 1 <= count <= MAX_MATCH_HASHES:
        raise InvalidRequest(
            f"Send 1 to {MAX_MATCH_HASHES} raw hashes of {HASH_BYTES} bytes each.", "body"
        )
    return np.frombuffer(body, np.uint8).reshape(-1, HASH_BYTES), _distance_parameter(request)


def _distance_parameter(request: Request) -> int | None:
    text = request.query_params.get("max_distance")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        raise InvalidRequest("max_distance must be a whole number of bits.", "query.max_distance")
    return int(text)


_PARSERS = {
    JSON: MatchParser(_parse_json, len('"",') + 2 * HASH_BYTES),
    RAW: MatchParser(_parse_raw, HASH_BYTES),
}
