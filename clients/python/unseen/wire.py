"""The wire without the network: each call of the API as a request and how its answer is read.

Pure functions, so that the blocking and the asynchronous client share all but the sending.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlsplit

from .codes import read_case, read_pin
from .errors import InputError, UnexpectedAnswerError
from .hashing import MATCH_DISTANCE, Fingerprint
from .models import Case, Matches, parse_case, parse_matches
from .problems import error_of
from .submission import Submission

MAX_HASHES: Final = 10_000
"""The most hashes that one look-up may ask about."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; all of them can be repeated without changing what they do."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | None = field(default=None, repr=False)
    patience: float = 0.0
    """Seconds that the service was asked to wait for news before it answers."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer."""

    status: int
    body: bytes = field(repr=False)
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """A request, and how to read what comes back."""

    request: Request
    parse: Callable[[Mapping[str, Any]], Answer]

    def read(self, reply: Reply) -> Answer:
        """Read the answer, or raise the ServiceError that it tells of."""
        if reply.status not in (200, 201):
            raise error_of(reply.status, reply.body, reply.retry_after)
        try:
            return self.parse(json.loads(reply.body))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnexpectedAnswerError(
                "The server's answer cannot be read.", status=reply.status
            ) from error


def submit(submission: Submission) -> Call[Case]:
    """Open a case; repeated with the same submission, it gives the same case."""
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": submission.idempotency_key,
    }
    body = json.dumps(submission.body, separators=(",", ":")).encode()
    return Call(Request("POST", "/v1/cases", headers, body), parse_case)


def status(case: str, pin: str) -> Call[Case]:
    """Ask for a case. Raises InputError on a case number or PIN of the wrong form."""
    return Call(Request("GET", _case_path(case), _pin_header(pin)), parse_case)


def withdraw(case: str, pin: str, image: int | None = None) -> Call[Case]:
    """Withdraw a case, or one image of it (numbered from 1). Raises as `status` does."""
    path = _case_path(case)
    if image is not None:
        if image < 1:
            raise InputError("Images are numbered from 1.", hint="`unseen status` lists them.")
        path += f"/images/{image}"
    return Call(Request("DELETE", path, _pin_header(pin)), parse_case)


def match(
    hashes: Iterable[str | Fingerprint], key: str | None, max_distance: int = MATCH_DISTANCE
) -> list[Call[Matches]]:
    """Ask which hashes are close to a submitted one: one call for each 10,000 of them.

    Raises InputError on a malformed hash, a distance outside 0 to 31, or a missing key.
    """
    read_distance(max_distance)
    packed = [pack(one) for one in hashes]
    headers = {"Content-Type": "application/octet-stream", **bearer(key)}
    path = f"/v1/match?max_distance={max_distance}"
    return [
        Call(
            Request("POST", path, headers, b"".join(packed[start : start + MAX_HASHES])),
            parse_matches,
        )
        for start in range(0, len(packed), MAX_HASHES)
    ]


def read_distance(max_distance: int) -> int:
    """Check a distance. Raises InputError outside 0 to 31."""
    if not 0 <= max_distance <= MATCH_DISTANCE:
        raise InputError(
            f"A distance is 0 to {MATCH_DISTANCE}, not {max_distance}.",
            hint=f"At more than {MATCH_DISTANCE} of 256 bits, PDQ takes two images for different.",
        )
    return max_distance


def join(answers: Sequence[Matches]) -> Matches:
    """Put the answers to the calls of `match` together; as fresh as the oldest of them."""
    hits = (
        replace(hit, query=hit.query + number * MAX_HASHES)
        for number, part in enumerate(answers)
        for hit in part.hits
    )
    return Matches(min((part.generation for part in answers), default=0), tuple(hits))


def read_server(url: str, *, insecure: bool = False) -> str:
    """Read a server's address: https, or http where that never leaves this machine.

    `insecure` allows http anywhere, for a network that is private. Raises InputError.
    """
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname if parts.port != 0 else None
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise InputError(
            "The server's address is not a URL.", hint="It looks like https://unseen.example."
        )
    if parts.scheme == "http" and not insecure and not _is_local(host):
        raise InputError(
            "The server's address is not encrypted: anyone on the way could read the PIN.",
            hint="Use its https:// address.",
        )
    return url.strip().rstrip("/")


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _case_path(case: str) -> str:
    return f"/v1/cases/{read_case(case)}"


def _pin_header(pin: str) -> dict[str, str]:
    return {"Unseen-Pin": read_pin(pin)}


def bearer(key: str | None) -> dict[str, str]:
    """Make the header that shows a platform's key. Raises InputError where there is none."""
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise InputError(
            "This needs a platform's key.",
            hint="Give it in UNSEEN_KEY, or as --key; the service's operator issues it.",
        )
    return {"Authorization": f"Bearer {key}"}


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
