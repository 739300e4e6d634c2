"""Feedback that platforms give on hashes."""

from dataclasses import dataclass
from enum import StrEnum


class Opinion(StrEnum):
    """What a platform says of a hash."""

    PENDING_REVIEW = "pending-review"
    REMOVED = "removed"
    NOT_REMOVED = "not-removed"
    NOT_INTIMATE = "not-intimate"


@dataclass(frozen=True, slots=True)
class Feedback:
    """What one platform (`source`) says of one hash; no value where it only gives tags."""

    source: str
    value: Opinion | None
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GivenFeedback:
    """What a platform says of a hash now; without a value it only changes the tags."""

    value: Opinion | None
    tags: frozenset[str] = frozenset()
