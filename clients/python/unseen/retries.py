"""Retries with back-off, without the network or a clock: when to send, wait, or give up.

A generator yields the next step (a request to send, seconds to wait, or a challenge to solve), is
sent its outcome, and returns the parsed answer. The clients differ only in how they do the steps.
"""

import random
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from . import proof_of_work
from .api_calls import Call, Reply, Request
from .errors import ServerUnreachableError
from .problems import parse_retry_after

Answer = TypeVar("Answer")
Step = Request | float | proof_of_work.Challenge
"""A request to send, seconds to wait, or a challenge to solve."""
Outcome = Reply | ServerUnreachableError | str | None
"""The reply to a request or why there is none; a challenge's proof; None after a wait."""

_TEMPORARY: Final = (502, 503, 504)
_MAX_CHALLENGES: Final = 3


@dataclass(frozen=True, slots=True)
class Retry:
    """How often to repeat a request that got no response, or a 502, 503 or 504.

    The wait after attempt n (from 0) is random between 0 and `first_wait` * 2**n seconds (full
    jitter), so that clients do not all return at once; a Retry-After of up to `longest_wait`
    seconds is honoured.
    """

    attempts: int = 4
    first_wait: float = 0.5
    longest_wait: float = 20.0

    def wait(self, attempt: int, requested: float | None) -> float:
        """Return the seconds to wait after an attempt, counted from 0."""
        backoff = min(self.longest_wait, self.first_wait * 2**attempt)
        return max(requested or 0.0, random.uniform(0.0, backoff))  # noqa: S311 - no secret

    def again(self, attempt: int, outcome: Outcome) -> float | None:
        """Return the seconds to wait before the next attempt, or None to give up."""
        if attempt + 1 >= self.attempts:
            return None
        if not isinstance(outcome, Reply):
            return self.wait(attempt, None)
        requested = parse_retry_after(outcome.retry_after)
        if outcome.status not in _TEMPORARY or (requested or 0.0) > self.longest_wait:
            return None
        return self.wait(attempt, requested)


def call_steps(call: Call[Answer], retry: Retry) -> Generator[Step, Outcome, Answer]:
    """Carry out a call, and the proof of work if the service asks for it.

    Raises ServerUnreachableError or a ServiceError.
    """
    request, attempt, solved = call.request, 0, 0
    while True:
        outcome = yield request
        challenge = _challenge(request, outcome)
        if challenge and solved < _MAX_CHALLENGES:
            proof = yield challenge
            request = replace(
                request, headers={**request.headers, proof_of_work.HEADER: str(proof)}
            )
            solved += 1
            continue
        wait = retry.again(attempt, outcome)
        if wait is None:
            break
        yield wait
        attempt += 1
    if isinstance(outcome, Reply):
        return call.read(outcome)
    if isinstance(outcome, ServerUnreachableError):
        raise outcome
    raise ServerUnreachableError("The server cannot be reached.")


def _challenge(request: Request, outcome: Outcome) -> proof_of_work.Challenge | None:
    if not isinstance(outcome, Reply):
        return None
    return proof_of_work.read_challenge(outcome.status, outcome.body, request.headers)
