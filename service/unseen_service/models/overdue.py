"""Answers that platforms owe."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Overdue:
    """Something that a platform has owed an answer to since a moment."""

    what: str
    platform: str
    record: UUID
    since: datetime
    feedback: str | None
