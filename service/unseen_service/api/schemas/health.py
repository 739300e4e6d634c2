"""What operators see: health."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field


class ReasonOut(BaseModel):
    """What is not as it should be. The code is for programs, and stays what it is."""

    code: Literal["loading", "cut-off", "stale", "behind"] = Field(
        description="Of these, `cut-off` alone leaves a worker ready."
    )
    detail: str
    hashes: int | None = Field(default=None, description="Loaded so far.")
    of: int | None = Field(default=None, description="About how many there are to load.")
    entries: int | None = Field(default=None, description="Changes that are not applied yet.")
    since: datetime | None = Field(default=None, description="When PostgreSQL answered last.")
    seconds: float | None = Field(default=None, description="How long it has been so.")


class ReadyOut(BaseModel):
    """Whether this worker should be sent requests, and what is not as it should be."""

    status: Literal["ready", "not-ready"]
    reasons: list[ReasonOut]
    generation: int
    hashes: int


class AliveOut(BaseModel):
    """The worker is alive."""

    status: Literal["alive"]
