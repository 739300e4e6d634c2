"""What platforms say back, and what staff see of who has not."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from ... import models
from .common import Wire

MOST_AT_ONCE = 1_000

Record = Annotated[UUID, Field(strict=False, description="As the feed and the hits name it.")]
Tag = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]


class GivenIn(Wire):
    """What the platform makes of one hash, or did about it."""

    record: Record
    value: Annotated[models.Opinion, Field(strict=False)]
    tags: list[Tag] = Field(default=[], max_length=16)


class FeedbackIn(Wire):
    """Feedback on hashes; the last on a record is what counts."""

    feedback: list[GivenIn] = Field(min_length=1, max_length=MOST_AT_ONCE)


class FeedbackOut(BaseModel):
    """All of it was taken."""

    accepted: int
    new: int = Field(description="Of how many records that was not known yet.")


class WithdrawalsIn(Wire):
    """Records whose hash the platform holds no more."""

    records: list[Record] = Field(min_length=1, max_length=MOST_AT_ONCE)


class WithdrawalsOut(BaseModel):
    """What was confirmed, and what is active: that one is to be kept, or fetched again."""

    confirmed: list[UUID]
    active: list[UUID]


class OverdueItemOut(BaseModel):
    """Something that a platform has not answered in time."""

    what: Literal["match", "review", "withdrawal"] = Field(
        description="A match, or a review that was begun, without a removal since; "
        "a withdrawal that was handed out and never confirmed."
    )
    platform: str
    record: UUID
    since: datetime
    feedback: models.Opinion | None = Field(description="What the platform says of it so far.")


class OverdueOut(BaseModel):
    """What is overdue, the oldest first."""

    hours: int
    overdue: list[OverdueItemOut]
