"""Schemas of health."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field


class ReasonOut(BaseModel):
    """Something that is wrong with the worker."""

    code: Literal["loading", "cut-off", "stale", "behind"] = Field(
        description="`loading`: the index is not loaded yet. `cut-off`: PostgreSQL has been "
        "unavailable for a short time; the worker is still ready. `stale`: PostgreSQL has been "
        "unavailable for too long. `behind`: changes have not been applied for too long."
    )
    detail: str = Field(description="The same for people.")
    hashes: int | None = Field(default=None, description="Number of hashes loaded so far.")
    of: int | None = Field(default=None, description="Approximate number of hashes to load.")
    entries: int | None = Field(default=None, description="Number of changes not yet applied.")
    since: datetime | None = Field(default=None, description="When PostgreSQL last responded.")
    seconds: float | None = Field(default=None, description="How long this has lasted.")


class ReadyOut(BaseModel):
    """Whether requests should be sent to this worker."""

    status: Literal["ready", "not-ready"]
    reasons: list[ReasonOut] = Field(description="What is wrong; empty if nothing is.")
    generation: int = Field(
        description="The position up to which the index has applied the change log."
    )
    hashes: int = Field(description="Number of hashes in the index.")


class AliveOut(BaseModel):
    """The worker is alive."""

    status: Literal["alive"]
