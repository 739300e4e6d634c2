"""Proof of work: what a service asks for when many submit at once, and how it is done.

The protocol is in the service's docs/intake.md; tests/contract/work.json holds vectors.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Final

HEADER: Final = "Unseen-Work"
_TYPE: Final = "urn:unseen:problem:work-required"
_MOST_PUZZLES: Final = 64
_MOST_TRIES: Final = 2_000_000_000
"""Half an hour of one core: whoever asks for more is not to be served."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """Work that is asked for before a submission is taken."""

    token: str
    puzzles: int
    target: int
    idempotency_key: str = field(repr=False)

    def solve(self) -> str:
        """Do the work: the value of the header `Unseen-Work`. Takes seconds at most times."""
        return f"{self.token}:{','.join(str(self._counter(n)) for n in range(self.puzzles))}"

    def _counter(self, puzzle: int) -> int:
        start = hashlib.sha256(f"{self.token}:{self.idempotency_key}:{puzzle}:".encode())
        limit = self.target.to_bytes(5)
        for counter in count():
            attempt = start.copy()
            attempt.update(b"%d" % counter)
            if b"\0" + attempt.digest()[:4] < limit:
                return counter
        raise AssertionError("unreachable")  # pragma: no cover


def challenge_of(status: int, body: bytes, headers: Mapping[str, str]) -> Challenge | None:
    """Read the challenge of an answer to a request with these headers; None where there is none.

    One that would take beyond all reason is none: the answer's error is told instead.
    """
    if status != 429:
        return None
    try:
        problem = json.loads(body)
        work = problem["work"]
        if problem["type"] != _TYPE:
            return None
        found = Challenge(
            str(work["challenge"]),
            int(work["puzzles"]),
            int(work["target"]),
            headers["Idempotency-Key"],
        )
    except (ValueError, KeyError, TypeError):
        return None
    return found if _reasonable(found) else None


def _reasonable(one: Challenge) -> bool:
    return (
        one.token.isascii()
        and one.token.isprintable()
        and 1 <= one.puzzles <= _MOST_PUZZLES
        and 1 <= one.target <= 1 << 32
        and (one.puzzles << 32) // one.target <= _MOST_TRIES
    )
