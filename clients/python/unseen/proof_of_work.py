"""The proof of work that a busy service asks for before it accepts a submission.

docs/intake.md specifies the protocol; tests/contract/work.json has vectors.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from .answers import integer, parse_json
from .errors import UnavailableError

HEADER: Final = "Unseen-Work"
_TYPE: Final = "urn:unseen:problem:work-required"
_MAX_PUZZLES: Final = 64
_MAX_ATTEMPTS: Final = 1 << 28
"""Two minutes of one core or so. A challenge that needs more would not be solved before it expires,
and a hostile service could have a device work for hours."""
_TOKEN: Final = re.compile(r"[\x20-\x7e]{1,200}")


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

    Raises UnavailableError for a challenge that would take unreasonably long.
    """
    if status != 429:
        return None
    try:
        problem = parse_json(body)
        work = problem["work"]
        token = work["challenge"]
        if problem["type"] != _TYPE or not _TOKEN.fullmatch(token):
            return None
        puzzles = integer(work["puzzles"], _MAX_PUZZLES)
        target = integer(work["target"], 1 << 32)
        found = Challenge(token, puzzles, target, headers["Idempotency-Key"])
    except (ValueError, KeyError, IndexError, TypeError):
        return None
    if not puzzles or not target:
        return None
    if (puzzles << 32) // target > _MAX_ATTEMPTS:
        raise UnavailableError(
            "The service asks for more computing than this device can do in time.",
            slug="work-required",
            status=status,
            hint="Nothing is lost. Submit fewer images at once, or try again later.",
        )
    return found
