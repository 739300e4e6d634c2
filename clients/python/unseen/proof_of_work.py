"""The proof of work that a busy service asks for before it accepts a submission.

docs/intake.md specifies the protocol; tests/contract/work.json has vectors.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Final

HEADER: Final = "Unseen-Work"
_TYPE: Final = "urn:unseen:problem:work-required"
_MAX_PUZZLES: Final = 64
_MAX_ATTEMPTS: Final = 2_000_000_000
"""Half an hour of one core; a challenge that needs more is not solved."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge to solve before a submission is accepted."""

    token: str
    puzzles: int
    target: int
    idempotency_key: str = field(repr=False)

    def solve(self) -> str:
        """Return the value of the header `Unseen-Work`, which usually takes seconds to compute."""
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


def read_challenge(status: int, body: bytes, headers: Mapping[str, str]) -> Challenge | None:
    """Return the challenge in a response to a request with these headers, or None.

    A challenge that would take unreasonably long is ignored, so the response becomes an error.
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
    return found if _is_reasonable(found) else None


def _is_reasonable(one: Challenge) -> bool:
    return (
        one.token.isascii()
        and one.token.isprintable()
        and 1 <= one.puzzles <= _MAX_PUZZLES
        and 1 <= one.target <= 1 << 32
        and (one.puzzles << 32) // one.target <= _MAX_ATTEMPTS
    )
