"""Proof of work: when much is submitted, who submits pays with computing, not with a name.

A challenge is the service's word that a price holds until a time; any worker can check it, and
none keeps a list of those that were given. A proof answers a challenge for one Idempotency-Key,
and one Idempotency-Key opens one case: so a proof that is used again gives nothing new.
docs/intake.md has the protocol for those who write a client.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass

PUZZLES = 8
"""Equal parts of the work: the more, the closer is the time it takes to its mean."""

LIFETIME = 300
"""Seconds for which a challenge can be answered."""

_PREFIX = "unseen-work-1"
_PROOF = re.compile(r"(\d{1,12})\.(\d{1,9})\.([0-9a-f]{32}):(\d{1,15}(?:,\d{1,15}){7})\Z", re.ASCII)
_RISEN = 4
"""A challenge is good until the price has risen to this many times its own."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a hash costs, in tries: nothing up to `free` hashes a minute, then with the square.

    At twice the free rate a hash costs 4 * `tries`; never more than `most`.
    """

    free: int
    tries: int
    most: int = 100_000

    def at(self, level: float) -> int:
        """Give the tries a hash at a level, in hashes of the last minute or so."""
        if level <= self.free:
            return 0
        return min(self.most, round(self.tries * (level / max(self.free, 1)) ** 2))


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a client has to answer: `PUZZLES` counters whose digests are under `target`."""

    token: str
    target: int
    puzzles: int = PUZZLES


class Challenges:
    """Gives challenges, and checks their proofs; `clock` gives the same Unix time on every host."""

    def __init__(self, secret: bytes, clock: Callable[[], float]) -> None:
        self._secret = secret
        self._clock = clock

    def issue(self, price: int, hashes: int) -> Challenge:
        """Make a challenge for a submission of so many hashes, at this price a hash."""
        expires = int(self._clock()) + LIFETIME
        return Challenge(f"{expires}.{price}.{self._seal(expires, price)}", target(price * hashes))

    def is_paid(self, proof: str, idempotency_key: str, hashes: int, price: int) -> bool:
        """Whether a proof pays for a submission, now that a hash costs `price` tries."""
        read = _PROOF.match(proof)
        if read is None:
            return False
        expires, paid = int(read[1]), int(read[2])
        if not 0 < expires - self._clock() <= LIFETIME + 1 or _RISEN * paid < price:
            return False
        if not hmac.compare_digest(self._seal(expires, paid), read[3]):
            return False
        token, below = proof.partition(":")[0], target(paid * hashes)
        return all(
            attempt(token, idempotency_key, puzzle, int(counter)) < below
            for puzzle, counter in enumerate(read[4].split(","))
        )

    def _seal(self, expires: int, price: int) -> str:
        text = f"{_PREFIX}.{expires}.{price}".encode()
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()[:32]


def target(tries: int) -> int:
    """Give the number that a digest must be under, so that all puzzles take `tries` on average."""
    return min(1 << 32, max(1, (PUZZLES << 32) // max(tries, 1)))


def attempt(token: str, idempotency_key: str, puzzle: int, counter: int) -> int:
    """One try: the first 32 bits of a SHA-256, as a number."""
    text = f"{token}:{idempotency_key}:{puzzle}:{counter}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4])
