"""Proof of work: while many hashes are submitted, clients pay with computation, not identity.

A challenge certifies, with a MAC, that a price is valid until a time. Any worker can check it,
and no worker keeps a list of those issued. A proof answers a challenge for one Idempotency-Key,
and an Idempotency-Key opens only one case, so reusing a proof gains nothing.
docs/intake.md describes the protocol for client authors.
"""

import hashlib
import hmac
import math
import re
from collections.abc import Callable
from dataclasses import dataclass

PUZZLES = 8
"""Equal parts of the work: the more parts, the less the time varies around its mean."""

LIFETIME_S = 300
"""How long a challenge can be answered."""

_PREFIX = "unseen-work-1"
_PROOF = re.compile(r"(\d{1,12})\.(\d{1,9})\.([0-9a-f]{32}):(\d{1,15}(?:,\d{1,15}){7})\Z", re.ASCII)
_MAX_PRICE_RISE = 4
"""A challenge is valid until the price is more than this many times its own."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a hash costs, in attempts: 0 up to `free` hashes per minute, then quadratic.

    At twice the free rate a hash costs 4 * `tries`; it never costs more than `max_tries`.
    """

    free: int
    tries: int
    max_tries: int = 100_000

    def of(self, level: float, hashes: int) -> int:
        """Return the attempts per hash of a submission at a level: 0 if it is free.

        The level is in hashes of the last minute or so. Each hash of the submission raises it for
        the next, so that one of 8,000 hashes costs as much as a thousand of 8; this is the mean.
        """
        total = self._up_to(level + hashes) - self._up_to(level)
        return math.ceil(total / hashes)

    def _up_to(self, level: float) -> float:
        """Return the price of all hashes from level 0 to this one: the integral of the price."""
        if level <= self.free or not self.tries:
            return 0.0
        free = max(self.free, 1)
        # From here on a hash costs the most that it may.
        top = max(self.free, free * math.sqrt(self.max_tries / self.tries))
        rising = min(level, top)
        quadratic = self.tries * (rising**3 - self.free**3) / (3 * free**2)
        return quadratic + self.max_tries * (level - rising)


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a client has to find: `puzzles` counters whose digests are below `target`."""

    token: str
    target: int
    puzzles: int = PUZZLES


class Challenges:
    """Issues challenges and checks proofs; `clock` returns the same Unix time on every host."""

    def __init__(self, secret: bytes, clock: Callable[[], float]) -> None:
        self._secret = secret
        self._clock = clock

    def issue(self, price: int, hashes: int) -> Challenge:
        """Return a challenge for a submission of `hashes` hashes, at `price` attempts per hash."""
        expires = int(self._clock()) + LIFETIME_S
        return Challenge(f"{expires}.{price}.{self._mac(expires, price)}", target(price * hashes))

    def is_paid(self, proof: str, idempotency_key: str, hashes: int, price: int) -> bool:
        """Return whether a proof pays for a submission, now that a hash costs `price`."""
        parsed = _PROOF.match(proof)
        if parsed is None:
            return False
        expires, paid = int(parsed[1]), int(parsed[2])
        if not 0 < expires - self._clock() <= LIFETIME_S + 1 or _MAX_PRICE_RISE * paid < price:
            return False
        if not hmac.compare_digest(self._mac(expires, paid), parsed[3]):
            return False
        token, limit = proof.partition(":")[0], target(paid * hashes)
        return all(
            attempt(token, idempotency_key, puzzle, int(counter)) < limit
            for puzzle, counter in enumerate(parsed[4].split(","))
        )

    def _mac(self, expires: int, price: int) -> str:
        text = f"{_PREFIX}.{expires}.{price}".encode()
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()[:32]


def target(tries: int) -> int:
    """Return the limit for digests at which all puzzles together take `tries` on average."""
    return min(1 << 32, max(1, (PUZZLES << 32) // max(tries, 1)))


def attempt(token: str, idempotency_key: str, puzzle: int, counter: int) -> int:
    """Return the first 32 bits of one attempt's SHA-256, as a big-endian integer."""
    text = f"{token}:{idempotency_key}:{puzzle}:{counter}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4])
