"""Failures to write, as PostgreSQL reports them: counted by SQLSTATE, and explained.

A database that answers may still refuse every write: its disk is full, it is a standby, or
another session holds a lock. "Unavailable" would send the operator looking in the wrong place.
"""

import time
from dataclasses import dataclass

import psycopg

from .. import metrics
from .diagnose import CANNOT_WRITE


@dataclass(slots=True)
class WriteFailures:
    """The last failure of one worker: why, and when (monotonic time)."""

    why: str = ""
    at: float = float("-inf")

    def note(self, error: BaseException) -> None:
        """Note an error of the driver, if it means that PostgreSQL cannot write."""
        state = error.sqlstate if isinstance(error, psycopg.Error) else None
        if state is None:
            return
        metrics.STORE_FAILURES.labels(state).inc()
        if state in CANNOT_WRITE:
            self.why, self.at = CANNOT_WRITE[state], time.monotonic()
