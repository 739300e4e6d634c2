"""What platforms that keep a copy see: the feed."""

from datetime import datetime

from pydantic import BaseModel, Field

from ...models.feed import FeedEntry, FeedStatus
from ...models.feedback import Feedback, Opinion
from ...models.hashes import Standing, View
from ...tlog.chain import timestamp

LONGEST_PAGE = 10_000


class EntryOut(BaseModel):
    """A hash as it is now; it takes the place of every earlier entry of the same record.

    An active one is kept and matched against; any other is dropped. What is not active carries
    no hash.
    """

    position: int = Field(description="Of its last change; grows from entry to entry.")
    at: datetime = Field(description="When that was; never before the entry ahead of it.")
    record: str = Field(description="Names the hash, in look-ups and feedback too.")
    status: FeedStatus
    standing: Standing
    pdq: str | None = Field(description="The hash in hex; null unless it is active.")
    view: View | None = Field(description="Which turn of the picture it is of.")
    quality: int | None = Field(description="PDQ's quality; null where nobody said it.")
    convention: str | None = Field(description="The pixels that it was made of.")
    feedback: dict[Opinion, int] = Field(description="How many platforms say what of it.")


class FeedOut(BaseModel):
    """A page of the feed."""

    entries: list[EntryOut]
    cursor: str = Field(description="Goes on where this page ends; good for ever.")
    more: bool = Field(description="Whether there is more now.")


def entry(told: FeedEntry) -> dict[str, object]:
    """Write an entry by hand: a page has thousands, and their values are known to be plain."""
    active = told.status is FeedStatus.ACTIVE
    return {
        "position": told.position,
        "at": timestamp(told.at),
        "record": str(told.record),
        "status": told.status.value,
        "standing": told.standing.value,
        "pdq": told.pdq.hex() if active and told.pdq is not None else None,
        "view": told.view.value if active and told.view else None,
        "quality": told.quality if active else None,
        "convention": told.convention if active else None,
        "feedback": _counted(told.feedback),
    }


def _counted(feedback: tuple[Feedback, ...]) -> dict[str, int]:
    values = [each.value.value for each in feedback if each.value]
    return {value: values.count(value) for value in sorted(set(values))}
