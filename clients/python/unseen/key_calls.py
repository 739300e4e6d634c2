"""The API calls of the holder of a key: activate it, see what it is, replace it.

Pure functions, like those of `api_calls`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .api_calls import Call, Request, bearer


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A key as the service describes it to its holder."""

    id: int
    platform: str
    scopes: tuple[str, ...]
    status: str
    """`unused`, `pending` (not approved yet) or `in-force`."""
    fingerprint: str
    expires_at: datetime | None


def own_key(key: str | None) -> Call[OwnKey]:
    """Get the key that is sent."""
    return Call(Request("GET", "/v1/keys/self", bearer(key)), parse_own_key)


def activate_key(key: str | None) -> Call[OwnKey]:
    """Activate the key that is sent; repeating it changes nothing."""
    return Call(Request("POST", "/v1/keys/self/activate", bearer(key)), parse_own_key)


def replace_key(key: str | None, digest: str, overlap_s: int) -> Call[int]:
    """Register a successor of the key that is sent. The answer is its number.

    Repeating the request for a digest that is registered is refused.
    """
    body = json.dumps({"digest": digest, "overlap_s": overlap_s}).encode()
    headers = {**bearer(key), "Content-Type": "application/json"}
    request = Request("POST", "/v1/keys/self/rotate", headers, body)
    return Call(request, lambda answer: int(answer["id"]))


def parse_own_key(answer: Mapping[str, Any]) -> OwnKey:
    """Parse a key. Raises KeyError, TypeError or ValueError if a field is missing or wrong."""
    expires_at = answer["expires_at"]
    return OwnKey(
        id=int(answer["id"]),
        platform=str(answer["platform"]),
        scopes=tuple(map(str, answer["scopes"])),
        status=str(answer["status"]),
        fingerprint=str(answer["fingerprint"]),
        expires_at=None if expires_at is None else datetime.fromisoformat(expires_at),
    )
