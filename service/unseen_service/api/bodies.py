"""Bodies that are read by hand: a media type that is checked, hashes that become an array."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from ..errors import InvalidRequest
from ..models.hashes import HASH_BYTES
from .schemas.match import MAX_MATCH_HASHES, MatchIn

JSON = "application/json"
RAW = "application/octet-stream"

Queries = npt.NDArray[np.uint8]


def media_type(request: Request) -> str:
    """Give the media type of a body, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def json_only(request: Request) -> None:
    """Refuse a body that is not said to be JSON (a dependency)."""
    if media_type(request) != JSON:
        raise HTTPException(415, f"Send this as Content-Type: {JSON}.")


async def match_body(request: Request) -> tuple[Queries, int | None]:
    """Read a look-up, as JSON or raw: uint8[q, 32], and the distance where it is given."""
    reader = _READERS.get(media_type(request))
    if reader is None:
        raise HTTPException(415, f"Send hashes as Content-Type: {JSON} or {RAW}.")
    return reader(request, await request.body())


def _from_json(_: Request, body: bytes) -> tuple[Queries, int | None]:
    try:
        asked = MatchIn.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False)) from None
    bits = np.frombuffer(bytes.fromhex("".join(asked.hashes)), np.uint8)
    return bits.reshape(-1, HASH_BYTES), asked.max_distance


def _from_raw(request: Request, body: bytes) -> tuple[Queries, int | None]:
    count, rest = divmod(len(body), HASH_BYTES)
    if rest or not 1 <= count <= MAX_MATCH_HASHES:
        raise InvalidRequest(
            f"Raw hashes are {HASH_BYTES} bytes each, 1 to {MAX_MATCH_HASHES} of them.", "body"
        )
    return np.frombuffer(body, np.uint8).reshape(-1, HASH_BYTES), _distance(request)


def _distance(request: Request) -> int | None:
    text = request.query_params.get("max_distance")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        raise InvalidRequest("max_distance is a whole number of bits.", "query.max_distance")
    return int(text)


_READERS: dict[str, Callable[[Request, bytes], tuple[Queries, int | None]]] = {
    JSON: _from_json,
    RAW: _from_raw,
}
