"""When to send, when to wait, when to give up: the retries, without the network or a clock.

A generator yields what is to be done next (a request to send, or seconds to wait), is sent the
reply, and returns the answer; the clients differ only in how they do it.
"""

import random
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from . import work
from .errors import ServerUnreachableError
from .problems import seconds
from .wire import Call, Reply, Request

Answer = TypeVar("Answer")
Step = Request | float | work.Challenge
"""A request to send, seconds to wait, or a challenge to solve."""
Outcome = Reply | ServerUnreachableError | str | None
"""What became of a request; a challenge's proof; None after a wait."""

_PASSING: Final = (502, 503, 504)
_MOST_CHALLENGES: Final = 3


@dataclass(frozen=True, slots=True)
class Retry:
    """How often to repeat a request that got no answer, or a passing 502, 503 or 504.

    The n-th wait is random between nothing and `first_wait` * 2**n seconds (full jitter), so
    that clients do not return all at once; a Retry-After of up to `longest_wait` is honoured.
    """

    attempts: int = 4
    first_wait: float = 0.5
    longest_wait: float = 20.0

    def wait(self, attempt: int, asked: float | None) -> float:
        """Choose the seconds to wait after an attempt, numbered from 0."""
        backoff = min(self.longest_wait, self.first_wait * 2**attempt)
        return max(asked or 0.0, random.uniform(0.0, backoff))  # noqa: S311 - no secret

    def again(self, attempt: int, outcome: Outcome) -> float | None:
        """Decide after an attempt: the seconds to wait before the next, or None for no more."""
        if attempt + 1 >= self.attempts:
            return None
        if not isinstance(outcome, Reply):
            return self.wait(attempt, None)
        asked = seconds(outcome.retry_after)
        if outcome.status not in _PASSING or (asked or 0.0) > self.longest_wait:
            return None
        return self.wait(attempt, asked)


def exchange(call: Call[Answer], retry: Retry) -> Generator[Step, Outcome, Answer]:
    """Carry out a call, and the work that is asked for it.

    Raises ServerUnreachableError or a ServiceError.
    """
    request, attempt, solved = call.request, 0, 0
    while True:
        outcome = yield request
        challenge = _challenge(request, outcome)
        if challenge and solved < _MOST_CHALLENGES:
            proof = yield challenge
            request = replace(request, headers={**request.headers, work.HEADER: str(proof)})
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


def _challenge(request: Request, outcome: Outcome) -> work.Challenge | None:
    if not isinstance(outcome, Reply):
        return None
    return work.challenge_of(outcome.status, outcome.body, request.headers)
