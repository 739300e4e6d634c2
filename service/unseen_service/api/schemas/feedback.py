"""Feedback and confirmed withdrawals, as platforms send them."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from ...models.feedback import Opinion
from .common import Wire

MOST_AT_ONCE = 1_000

Record = Annotated[UUID, Field(strict=False, description="As the feed and the hits name it.")]
Tag = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]


class GivenIn(Wire):
    """What the platform makes of one hash, or did about it."""

    record: Record
    value: Annotated[Opinion, Field(strict=False)]
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
