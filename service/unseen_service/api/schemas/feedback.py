"""Schemas of feedback and of confirmations."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from ...models.feedback import Opinion
from .common import Listed, RequestModel
from .tags import Tags

MAX_RECORDS = 1_000

Record = Annotated[
    UUID, Field(strict=False, description="The record of the hash, from the feed or a hit.")
]


class GivenIn(RequestModel):
    """Feedback on one hash."""

    record: Record
    value: Annotated[Opinion, Field(strict=False)]
    tags: Tags = Field(
        default=[],
        description="Free text that other platforms see in the StopNCII protocol; 2,048 bytes in "
        "all. If platforms tag a hash with more than that together, some tags are left out.",
    )


class FeedbackIn(RequestModel):
    """Feedback on hashes; the last value per record counts."""

    feedback: Listed[GivenIn] = Field(min_length=1, max_length=MAX_RECORDS)


class FeedbackOut(BaseModel):
    """The feedback was accepted."""

    accepted: int = Field(description="Number of values accepted.")
    new: int = Field(description="Number of records for which it was new.")


class WithdrawalsIn(RequestModel):
    """Records whose hashes the platform deleted."""

    records: Listed[Record] = Field(min_length=1, max_length=MAX_RECORDS)


class WithdrawalsOut(BaseModel):
    """The records, by whether they are still withdrawn."""

    confirmed: list[UUID] = Field(description="Withdrawn; the deletion is confirmed.")
    active: list[UUID] = Field(
        description="Active again in the meantime: keep them. The feed has a new entry for each."
    )
