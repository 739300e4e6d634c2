"""Counts per hour or day."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ActivityBucket:
    """Counts of an hour or a day; `matched` and `missed` count hashes that were looked up."""

    at: datetime
    cases: int
    images: int
    withdrawn: int
    matched: int
    missed: int
