"""Waiting for a condition, with the patience that a busy machine needs."""

import time
from collections.abc import Callable
from typing import Any

PATIENCE_S = 60.0
"""How long a condition, a response or the end of a process may take on a busy machine."""

_POLL_S = 0.005


def wait_until(condition: Callable[[], Any], within: float = PATIENCE_S) -> None:
    """Poll a condition until it holds; fail if it does not hold `within` so many seconds.

    Pass `within` only to test that the condition holds that soon.
    """
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"the condition did not hold within {within:g} s")
        time.sleep(_POLL_S)
