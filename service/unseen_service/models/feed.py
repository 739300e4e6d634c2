"""The feed: its entries, pages and cursors."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from .feedback import Feedback
from .hashes import Standing, View


class FeedStatus(StrEnum):
    """What the feed says of a hash: whoever mirrors it keeps those that are active."""

    ACTIVE = "active"
    WITHDRAWN = "withdrawn"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One hash as it is now, told of at the position of its last change.

    `pdq` is None once the bits are erased; the view, quality and convention are None where no
    case holds it, the quality also where nobody said it.
    """

    position: int
    at: datetime
    record: UUID
    status: FeedStatus
    standing: Standing
    pdq: bytes | None = field(repr=False)
    view: View | None
    quality: int | None
    convention: str | None
    feedback: tuple[Feedback, ...]


@dataclass(frozen=True, slots=True)
class FeedCursor:
    """Up to where a reader has read a change log: which log, which position, the mark there."""

    log: UUID
    position: int
    mark: int


@dataclass(frozen=True, slots=True)
class FeedPage:
    """All that changed last after one position and up to another, while the log was at `head`.

    `mark` tells the change at `upto` from one of another history.
    """

    log: UUID
    after: int
    upto: int
    mark: int
    head: int
    entries: tuple[FeedEntry, ...]

    @property
    def place(self) -> "FeedCursor":
        """Where the page ends."""
        return FeedCursor(self.log, self.upto, self.mark)

    @property
    def more(self) -> bool:
        """Whether there was more when this was read."""
        return self.upto < self.head
