"""Schemas of disputes."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from ...models.disputes import PlatformDisputes
from .common import RequestModel

MAX_DECIDED = 1_000


class PlatformDisputesOut(BaseModel):
    """What a platform reports as `not-intimate`: it reads as withdrawn there."""

    platform: str
    records: int = Field(description="How many records it disputes.")
    counted: int = Field(
        description="How many of these count for others. The rest were too many in a day, came "
        "from a new platform, or are about hashes that it neither matched nor received."
    )
    since: datetime = Field(description="The time of the oldest of these disputes.")

    @classmethod
    def of(cls, found: PlatformDisputes) -> "PlatformDisputesOut":
        """Return it as the API shows it."""
        return cls(
            platform=found.platform,
            records=found.records,
            counted=found.counted,
            since=found.since,
        )


class DisputesOut(BaseModel):
    """Disputes by platform, most first."""

    platforms: list[PlatformDisputesOut]


class DisputesDecisionIn(RequestModel):
    """A decision about the hashes that a platform disputes."""

    platform: str = Field(min_length=1, max_length=200)
    decision: Literal["release", "keep"] = Field(
        description="As for one review. A removal takes two persons, and is decided one by one."
    )
    limit: int = Field(
        default=MAX_DECIDED,
        ge=1,
        le=MAX_DECIDED,
        description="The most records to decide, oldest dispute first.",
    )


class DisputesDecidedOut(BaseModel):
    """The hashes were decided."""

    decided: int = Field(description="How many. Repeat the request until it is 0.")
