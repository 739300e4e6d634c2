"""Timing a call."""

import time
from collections.abc import Callable
from typing import Any

Figures = dict[str, Any]


def timed(work: Callable[..., Any], *arguments: Any) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start
