"""What platforms have not answered in time, as staff see it."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from ...models.feedback import Opinion


class OverdueItemOut(BaseModel):
    """Something that a platform has not answered in time."""

    what: Literal["match", "review", "withdrawal"] = Field(
        description="A match, or a review that was begun, without a removal since; "
        "a withdrawal that was handed out and never confirmed."
    )
    platform: str
    record: UUID
    since: datetime
    feedback: Opinion | None = Field(description="What the platform says of it so far.")


class OverdueOut(BaseModel):
    """What is overdue, the oldest first."""

    hours: int
    overdue: list[OverdueItemOut]
