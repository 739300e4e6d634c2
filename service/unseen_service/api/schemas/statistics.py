"""Schemas of statistics."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field


class StretchOut(BaseModel):
    """Counts of one hour or day."""

    at: datetime = Field(description="The beginning of the period, in UTC.")
    cases: int = Field(description="Number of cases submitted.")
    images: int = Field(description="Number of images in these cases.")
    withdrawn: int = Field(description="Number of images withdrawn.")
    matched: int = Field(description="Number of hashes looked up that had a hit.")
    missed: int = Field(description="Number of hashes looked up that had none.")


class StatisticsOut(BaseModel):
    """Counts per period, and of now."""

    by: Literal["hour", "day"] = Field(description="The length of a period.")
    stretches: list[StretchOut] = Field(description="The periods, oldest first.")
    hashes: int = Field(description="Number of hashes that can match now.")
    open_reviews: int = Field(description="Number of open reviews now.")
