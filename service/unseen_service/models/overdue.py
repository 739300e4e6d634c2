"""Answers that platforms owe."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Overdue:
    """An answer that a platform has owed since a time."""

    what: str
    platform: str
    record: UUID
    since: datetime
    feedback: str | None
