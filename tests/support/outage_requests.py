"""Requests made throughout an outage, with the status and the duration of each response."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from .hashes import new_pdq

NOTICED_WITHIN_S = 10.0
"""How soon an outage is reported at the latest: well within the timeouts of clients."""
MISS_WITHIN_S = 0.5
"""How soon a miss is answered during an outage; generous, for a busy machine."""
BUSY_FACTOR = 3
"""How many times longer than promised a recovery may take on a busy machine."""


@dataclass
class RequestLog:
    """The status and the seconds of each response, by the kind of request."""

    answers: dict[str, list[tuple[int, float]]] = field(default_factory=dict)

    def note(self, kind: str, request: Callable[[], httpx.Response]) -> httpx.Response:
        """Make a request and record its response; a 503 must ask for a retry within 5 s."""
        began = time.monotonic()
        answer = request()
        self.answers.setdefault(kind, []).append((answer.status_code, time.monotonic() - began))
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) <= 5
        return answer

    def statuses(self, kind: str) -> set[int]:
        """Return the statuses that occurred."""
        return {status for status, _ in self.answers[kind]}

    def most(self, kind: str) -> float:
        """Return the seconds that 9 of 10 responses did not exceed.

        If requests waited for a connection of an exhausted pool, all of them would exceed it.
        """
        seconds = sorted(seconds for _, seconds in self.answers[kind])
        return seconds[len(seconds) * 9 // 10]

    def slowest(self, kind: str) -> float:
        """Return the seconds of the slowest response."""
        return max(seconds for _, seconds in self.answers[kind])


def look_up_miss(platform: httpx.Client) -> httpx.Response:
    """Look up a hash that was never submitted."""
    return look_up(platform, new_pdq())


def look_up(platform: httpx.Client, pdq: str) -> httpx.Response:
    """Look up one hash."""
    return platform.post("/v1/match", json={"hashes": [pdq]})
