"""What operators see: health."""

from typing import Literal

from pydantic import BaseModel


class ReadyOut(BaseModel):
    """Whether this worker should be sent requests, and if not, why."""

    status: Literal["ready", "not-ready"]
    reasons: list[str]
    generation: int
    hashes: int


class AliveOut(BaseModel):
    """The worker is alive."""

    status: Literal["alive"]
