"""Request bodies that are parsed by hand: media types, and hashes into an array."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from ..errors import InvalidRequest
from ..models.hashes import HASH_BYTES
from ..usecases.query_groups import QueryGroups
from . import json_guard
from .query_parameters import check_names
from .schemas.match import MAX_GROUP_HASHES, MAX_MATCH_HASHES, MAX_MATCH_IMAGES, MatchIn

JSON = "application/json"
RAW = "application/octet-stream"

GROUPS = "application/vnd.unseen.groups"

MAX_VALUES = MAX_MATCH_HASHES + 3 * MAX_MATCH_IMAGES + 62
"""Values of a lookup: its hashes and images, and more than there are besides."""

Queries = npt.NDArray[np.uint8]


def media_type(request: Request) -> str:
    """Return the media type of a body, in lower case and without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def require_json(request: Request) -> None:
    """Reject a body whose media type is not JSON (a dependency)."""
    if media_type(request) != JSON:
        raise HTTPException(415, f"Send this as Content-Type: {JSON}.")


@dataclass(frozen=True, slots=True)
class ParsedMatch:
    """A lookup: its queries, and the distance in bits and the IDs of its images if given."""

    queries: QueryGroups
    max_distance: int | None
    image_ids: Sequence[str | None] = ()


@dataclass(frozen=True, slots=True)
class MatchParser:
    """Parses the body of a lookup, in one media type."""

    parse: Callable[[Request, bytes], ParsedMatch]
    """Raises RequestValidationError, InvalidRequest."""
    bytes_per_hash: int

    def most_hashes(self, body: bytes) -> int:
        """Return how many hashes a body has at most."""
        return len(body) // self.bytes_per_hash


def match_parser(request: Request) -> MatchParser:
    """Return the parser for the body of a lookup. Raises HTTPException (415), InvalidRequest."""
    check_names(request, ["max_distance"])
    parser = _PARSERS.get(media_type(request))
    if parser is None:
        raise HTTPException(415, f"Send hashes as Content-Type: {JSON}, {RAW} or {GROUPS}.")
    return parser


def _parse_json(request: Request, body: bytes) -> ParsedMatch:
    try:
        lookup = MatchIn.model_validate(json_guard.parse(body, MAX_VALUES))
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False)) from None
    if bool(lookup.hashes) == bool(lookup.images):
        raise InvalidRequest("Send either hashes or images.", "body")
    distance = _distance_parameter(request)
    if distance is not None and lookup.max_distance is not None:
        raise InvalidRequest(
            "Give max_distance once: in the body or as a parameter.", "query.max_distance"
        )
    distance = lookup.max_distance if distance is None else distance
    if not lookup.images:
        return ParsedMatch(QueryGroups.single(_unhex(lookup.hashes)), distance)
    sizes = [len(image.hashes) for image in lookup.images]
    if sum(sizes) > MAX_MATCH_HASHES:
        raise InvalidRequest(f"Send at most {MAX_MATCH_HASHES:,} hashes in all.", "images")
    hashes = _unhex([each for image in lookup.images for each in image.hashes])
    return ParsedMatch(
        QueryGroups(hashes, np.cumsum([0, *sizes])), distance, [each.id for each in lookup.images]
    )


def _unhex(hashes: list[str]) -> Queries:
    return np.frombuffer(bytes.fromhex("".join(hashes)), np.uint8).reshape(-1, HASH_BYTES)


def _parse_raw(request: Request, body: bytes) -> ParsedMatch:
    count, rest = divmod(len(body), HASH_BYTES)
    if rest or not 1 <= count <= MAX_MATCH_HASHES:
        raise InvalidRequest(
            f"Send 1 to {MAX_MATCH_HASHES} raw hashes of {HASH_BYTES} bytes each.", "body"
        )
    hashes = np.frombuffer(body, np.uint8).reshape(-1, HASH_BYTES)
    return ParsedMatch(QueryGroups.single(hashes), _distance_parameter(request))


def _parse_groups(request: Request, body: bytes) -> ParsedMatch:
    starts, place, limits = [], 0, [0]
    while place < len(body) and len(limits) <= MAX_MATCH_IMAGES:
        size = body[place]
        starts.append(place + 1)
        limits.append(limits[-1] + size)
        place += 1 + size * HASH_BYTES
        if not 1 <= size <= MAX_GROUP_HASHES:
            break
    else:
        if limits[1:] and place == len(body) and limits[-1] <= MAX_MATCH_HASHES:
            ends = [*(start - 1 for start in starts[1:]), len(body)]
            hashes = b"".join(body[start:end] for start, end in zip(starts, ends, strict=True))
            rows = np.frombuffer(hashes, np.uint8).reshape(-1, HASH_BYTES)
            return ParsedMatch(QueryGroups(rows, np.array(limits)), _distance_parameter(request))
    raise InvalidRequest(
        f"Send 1 to {MAX_MATCH_IMAGES:,} groups, each one byte, 1 to {MAX_GROUP_HASHES}, and that "
        f"many raw hashes of {HASH_BYTES} bytes; at most {MAX_MATCH_HASHES:,} hashes in all.",
        "body",
    )


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
    GROUPS: MatchParser(_parse_groups, HASH_BYTES),
}
