"""Timing a call."""

import time
from collections.abc import Callable
from typing import Any

Figures = dict[str, Any]


def timed(work: Callable[..., Any], *arguments: Any) -> float:
    """Return how long a call takes, in seconds."""
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start
