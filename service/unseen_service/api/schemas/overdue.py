"""Schemas of overdue answers."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from ...models.feedback import Opinion


class OverdueItemOut(BaseModel):
    """An answer that a platform owes."""

    what: Literal["match", "review", "withdrawal"] = Field(
        description="`match`: its lookup found the hash, and it has not reported `removed` since. "
        "`review`: it reported `pending-review`, and nothing else since. `withdrawal`: it received "
        "the withdrawal of the hash, and has not confirmed the deletion."
    )
    platform: str
    record: UUID = Field(description="The record of the hash.")
    since: datetime
    feedback: Opinion | None = Field(description="What the platform reported last.")


class OverdueOut(BaseModel):
    """Overdue answers, oldest first."""

    hours: int = Field(description="After how many hours an answer is overdue.")
    overdue: list[OverdueItemOut]
