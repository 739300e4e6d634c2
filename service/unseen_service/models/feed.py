"""The feed: its entries, pages and cursors."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from .feedback import Feedback
from .hashes import Standing, View


class FeedStatus(StrEnum):
    """The state of a hash in the feed: a mirror keeps the active ones."""

    ACTIVE = "active"
    WITHDRAWN = "withdrawn"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One hash in its current state, at the position of its last change.

    `suspect`: hits beyond 8 bits are for a person to look at. `pdq` is None once the bits are
    erased. View, quality and convention are None if no case holds the hash; quality also if it was
    never given.
    """

    position: int
    at: datetime
    record: UUID
    status: FeedStatus
    standing: Standing
    suspect: bool
    pdq: bytes | None = field(repr=False)
    view: View | None
    quality: int | None
    convention: str | None
    feedback: tuple[Feedback, ...]


@dataclass(frozen=True, slots=True)
class FeedCursor:
    """Where a reader of the feed continues: the log's ID, a position, and the mark there."""

    log: UUID
    position: int
    mark: int


@dataclass(frozen=True, slots=True)
class FeedPage:
    """The hashes whose last change is after `after`, up to `upto`, while the log was at `head`.

    `mark` tells the change at `upto` from one of another change log.
    """

    log: UUID
    after: int
    upto: int
    mark: int
    head: int
    entries: tuple[FeedEntry, ...]

    @property
    def cursor(self) -> FeedCursor:
        """The end of the page."""
        return FeedCursor(self.log, self.upto, self.mark)

    @property
    def more(self) -> bool:
        """Whether there was more when this page was read."""
        return self.upto < self.head
