"""Schemas of the feed."""

from datetime import datetime

from pydantic import BaseModel, Field

from ...models.feed import FeedEntry, FeedStatus
from ...models.feedback import Feedback, Opinion
from ...models.hashes import Standing, View
from ...tlog.chain import timestamp

MAX_PAGE_ENTRIES = 10_000


class EntryOut(BaseModel):
    """A hash in its current state. It replaces every earlier entry of the same record.

    Store an active hash and match uploads against it; delete any other.
    """

    position: int = Field(
        description="The position of its last change; increases from entry to entry."
    )
    at: datetime = Field(
        description="The time of its last change; never earlier than in the entry before."
    )
    record: str = Field(description="The ID of the hash, the same in lookups and feedback.")
    status: FeedStatus
    standing: Standing
    suspect: bool = Field(
        description="The hash waits for a decision by staff. Let a person look at uploads that "
        "are more than 8 bits away from it."
    )
    pdq: str | None = Field(description="The hash as 64 hex digits; null unless it is active.")
    view: View | None = Field(description="The view that was hashed; null unless it is active.")
    quality: int | None = Field(description="PDQ's quality; null if unknown, or not active.")
    convention: str | None = Field(
        description="How the image was decoded before it was hashed; null unless it is active."
    )
    feedback: dict[Opinion, int] = Field(description="How many platforms report which value.")


class FeedOut(BaseModel):
    """A page of the feed."""

    entries: list[EntryOut]
    cursor: str = Field(description="Where the next page begins. It does not expire.")
    more: bool = Field(description="Whether there is another page now.")


def entry_json(entry: FeedEntry) -> dict[str, object]:
    """Return an entry as JSON.

    Without EntryOut: a page has thousands of entries, and their values need no validation.
    """
    active = entry.status is FeedStatus.ACTIVE
    return {
        "position": entry.position,
        "at": timestamp(entry.at),
        "record": str(entry.record),
        "status": entry.status.value,
        "standing": entry.standing.value,
        "suspect": active and entry.suspect,
        "pdq": entry.pdq.hex() if active and entry.pdq is not None else None,
        "view": entry.view.value if active and entry.view else None,
        "quality": entry.quality if active else None,
        "convention": entry.convention if active else None,
        "feedback": _counted(entry.feedback),
    }


def _counted(feedback: tuple[Feedback, ...]) -> dict[str, int]:
    values = [each.value.value for each in feedback if each.value]
    return {value: values.count(value) for value in sorted(set(values))}
