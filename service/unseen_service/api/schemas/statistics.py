"""Counts per hour or day, as staff see them."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field


class StretchOut(BaseModel):
    """What happened in one hour or day."""

    at: datetime = Field(description="Its beginning, UTC.")
    cases: int = Field(description="Cases submitted.")
    images: int = Field(description="Images in them.")
    withdrawn: int = Field(description="Images withdrawn.")
    matched: int = Field(description="Uploads looked up that hit.")
    missed: int = Field(description="Uploads looked up that did not.")


class StatisticsOut(BaseModel):
    """What happened, the oldest first; counted some seconds after it happens."""

    by: Literal["hour", "day"]
    stretches: list[StretchOut]
    hashes: int = Field(description="Hashes that can be matched now.")
    open_reviews: int
