"""Counts per hour or day."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ActivityBucket:
    """What happened in an hour or a day: new cases, images, look-ups by hash."""

    at: datetime
    cases: int
    images: int
    withdrawn: int
    matched: int
    missed: int
