"""Schemas of reviews."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from ...models.feedback import Opinion
from ...models.hashes import Standing
from ...models.review import Cause, Decision, Review
from .common import RequestModel


class ProposalOut(BaseModel):
    """A decision that waits for a second person."""

    decision: Decision
    by: str
    why: str = Field(description="The reason that was given with the proposal.")
    at: datetime


class ReviewOut(BaseModel):
    """A hash in the review queue. Nobody at the service sees the image; this is the evidence."""

    record: UUID = Field(description="The record of the hash.")
    standing: Standing
    suspect: bool = Field(description="What it finds beyond 8 bits is marked, and not counted.")
    cause: Cause
    evidence: dict[str, int] = Field(
        description="The counts that opened the review. `platforms`: how many platforms reported "
        "or found it. Of one day: `finds`, how often it was found; `uploads`, in how many distinct "
        "uploads; `shared`, the same without the platform that has the most; `usual_finds` and "
        "`usual_uploads`, what 99 % of hashes do not exceed."
    )
    opened_at: datetime
    images: int = Field(description="How many images that are not withdrawn have the hash.")
    opinions: dict[Opinion, list[str]] = Field(
        description="Which platforms report which value now."
    )
    decision: Decision | None = Field(description="Null while the review is open.")
    decided_at: datetime | None
    decided_by: str | None
    why: str | None = Field(description="The reason that was given with the decision.")
    proposal: ProposalOut | None = Field(description="What waits for a second person.")

    @classmethod
    def of(cls, review: Review) -> "ReviewOut":
        """Return a review as the API shows it: an open one without an earlier decision."""
        shown = asdict(review)
        if review.decision is None:
            shown |= {"decided_at": None, "decided_by": None, "why": None}
        if review.proposal is not None:
            del shown["proposal"]["person"]
        return cls.model_validate(shown)


class ReviewsOut(BaseModel):
    """Reviews: open ones oldest first, or decided ones newest first."""

    open: int = Field(description="Number of open reviews in all.")
    reviews: list[ReviewOut]


DecisionValue = Annotated[Decision, Field(strict=False)]


class DecisionIn(RequestModel):
    """A decision about a hash."""

    decision: DecisionValue = Field(
        description="`release`: matched again, with the standing that it had. `keep`: matched "
        "again, as confirmed. `remove`: never matched, whoever submits it again."
    )
    instead_of: DecisionValue | None = Field(
        default=None, description="To change a decision: the decision that you replace."
    )


class DecidedOut(BaseModel):
    """The hash after the decision."""

    record: UUID
    decision: Decision
    standing: Standing
    final: bool = Field(description="False: nothing changed yet, a second person has to confirm.")
