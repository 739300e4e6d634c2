"""The calls of the API, without the network: each is a request and a parser for its response.

Pure functions, so that the blocking and the asynchronous client share everything but the sending.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate, repeat
from typing import Any, Final, Generic, TypeVar

from .answers import parse_json
from .codes import read_case, read_pin
from .errors import InputError, UnexpectedAnswerError
from .fingerprints import MATCH_DISTANCE, Fingerprint
from .keys import is_key
from .models import Case, Matches, parse_case, parse_matches
from .problems import error_of
from .submission import Submission

MAX_HASHES: Final = 10_000
"""The most hashes in one match request."""
MAX_IMAGES: Final = 1_000
"""The most images in one match request."""
_MAX_GROUP: Final = 32
MIN_MAX_BYTES: Final = 4 << 20
"""The bytes that the answer to any request may have, after unpacking."""
_MAX_HITS_BYTES: Final = 4_096

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request; every one can be repeated safely."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | None = field(default=None, repr=False)
    patience: float = 0.0
    """Seconds for which the service was asked to wait for changes before it answers."""
    max_bytes: int = MIN_MAX_BYTES
    """The most bytes of an answer, after unpacking."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response."""

    status: int
    body: bytes = field(repr=False)
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """A request, and how to parse the response."""

    request: Request
    parse: Callable[[Mapping[str, Any]], Answer]

    def read(self, reply: Reply) -> Answer:
        """Parse a response, or raise the ServiceError that it reports."""
        if reply.status not in (200, 201):
            raise error_of(reply.status, reply.body, reply.retry_after)
        try:
            return self.parse(parse_json(reply.body))
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise UnexpectedAnswerError(
                "The server's response cannot be read.", status=reply.status
            ) from error


def submit(submission: Submission) -> Call[Case]:
    """Open a case; repeated with the same submission, it returns the same case."""
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": submission.idempotency_key,
    }
    body = json.dumps(submission.body, separators=(",", ":")).encode()
    return Call(Request("POST", "/v1/cases", headers, body), parse_case)


def status(case: str, pin: str) -> Call[Case]:
    """Get a case. Raises InputError if the case number or PIN has the wrong format."""
    return Call(Request("GET", _case_path(case), _pin_header(pin)), parse_case)


def withdraw(case: str, pin: str, image: int | None = None) -> Call[Case]:
    """Withdraw a case, or one image of it, counted from 1. Raises as `status` does."""
    path = _case_path(case)
    if image is not None:
        if image < 1:
            raise InputError("Images are counted from 1.", hint="`unseen status` lists them.")
        path += f"/images/{image}"
    return Call(Request("DELETE", path, _pin_header(pin)), parse_case)


def match(
    hashes: Iterable[str | Fingerprint], key: str | None, max_distance: int = MATCH_DISTANCE
) -> list[Call[Matches]]:
    """Look up which hashes are close to a submitted one: one call per 10,000 of them.

    Raises InputError for a malformed hash, a distance outside 0 to 31, or a missing key.
    """
    check_distance(max_distance)
    packed = [pack(one) for one in hashes]
    headers = {"Content-Type": "application/octet-stream", **bearer(key)}
    path = f"/v1/match?max_distance={max_distance}"
    return [
        _match_call(path, headers, packed[start : start + MAX_HASHES])
        for start in range(0, len(packed), MAX_HASHES)
    ]


def match_images(
    images: Iterable[Iterable[str | Fingerprint]],
    key: str | None,
    max_distance: int = MATCH_DISTANCE,
) -> tuple[list[Call[Matches]], list[int]]:
    """Look up images, each by up to 32 hashes. Return the calls, and the images in each.

    Raises InputError as `match` does, and for an image with no hash or too many.
    """
    check_distance(max_distance)
    calls: list[list[bytes]] = [[]]
    hashes = 0
    for image in images:
        group = [pack(one) for one in image]
        if not 1 <= len(group) <= _MAX_GROUP:
            raise InputError(f"An image is looked up by 1 to {_MAX_GROUP} hashes.")
        if len(calls[-1]) == MAX_IMAGES or hashes + len(group) > MAX_HASHES:
            calls.append([])
            hashes = 0
        hashes += len(group)
        calls[-1].append(bytes((len(group),)) + b"".join(group))
    headers = {"Content-Type": "application/vnd.unseen.groups", **bearer(key)}
    path = f"/v1/match?max_distance={max_distance}"
    some = [each for each in calls if each]
    return [_match_call(path, headers, each) for each in some], [len(each) for each in some]


def _match_call(path: str, headers: Mapping[str, str], packed: Sequence[bytes]) -> Call[Matches]:
    max_bytes = MIN_MAX_BYTES + len(packed) * _MAX_HITS_BYTES
    request = Request("POST", path, headers, b"".join(packed), max_bytes=max_bytes)
    return Call(request, partial(parse_matches, queries=len(packed)))


def check_distance(max_distance: int) -> int:
    """Return a distance in bits. Raises InputError unless it is 0 to 31."""
    if not 0 <= max_distance <= MATCH_DISTANCE:
        raise InputError(
            f"A distance must be 0 to {MATCH_DISTANCE}, not {max_distance}.",
            hint=f"Above {MATCH_DISTANCE} of 256 bits, PDQ considers two images different.",
        )
    return max_distance


def join(answers: Sequence[Matches], sizes: Iterable[int] = repeat(MAX_HASHES)) -> Matches:
    """Join the answers to calls with so many queries each; the generation is that of the oldest."""
    parts = list(zip(answers, accumulate(sizes, initial=0), strict=False))
    hits = (replace(hit, query=hit.query + first) for part, first in parts for hit in part.hits)
    truncated = (query + first for part, first in parts for query in part.truncated)
    generation = min((part.generation for part in answers), default=0)
    return Matches(generation, tuple(hits), tuple(truncated))


def _case_path(case: str) -> str:
    return f"/v1/cases/{read_case(case)}"


def _pin_header(pin: str) -> dict[str, str]:
    return {"Unseen-Pin": read_pin(pin)}


def bearer(key: str | None) -> dict[str, str]:
    """Return the header with a platform's key. Raises InputError if it is missing or malformed.

    Space around a key is ignored: a file with Windows' line ends leaves a CR there.
    """
    text = (key or "").strip()
    if not text:
        raise InputError(
            "No platform key given.",
            hint="Give it with --key-file or in UNSEEN_KEY; the service's operator issues keys.",
        )
    if not is_key(text):
        raise InputError(
            "The platform key has characters that no key has.",
            hint="Copy it again: letters, digits, hyphens and underscores on one line.",
        )
    return {"Authorization": f"Bearer {text}"}


def pack(one: str | Fingerprint) -> bytes:
    """Pack 64 hexadecimal digits into 32 bytes. Raises InputError."""
    text = one.pdq if isinstance(one, Fingerprint) else one
    try:
        packed = bytes.fromhex(text)
    except ValueError:
        packed = b""
    if len(packed) != 32 or len(text) != 64:
        raise InputError("A hash is 64 hexadecimal digits.", hint="`unseen hash FILE` prints one.")
    return packed
