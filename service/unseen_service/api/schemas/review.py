"""The review queue, as staff see it, and what they decide."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from ...models.feedback import Opinion
from ...models.hashes import Standing
from ...models.review import Cause, Decision, Review
from .common import Wire


class ReviewOut(BaseModel):
    """One hash in the queue; what it looks like nobody knows, what was said and found is here."""

    record: UUID
    standing: Standing
    cause: Cause
    evidence: dict[str, int] = Field(
        description="The counts that put it here: `platforms`; of one day `finds`, different "
        "`uploads`, those `shared` by more than the one platform that has most, what is usual."
    )
    opened_at: datetime
    images: int = Field(description="How many images that are not withdrawn show it.")
    opinions: dict[Opinion, list[str]] = Field(description="Which platforms say what now.")
    decision: Decision | None = Field(description="Null: it waits for one.")
    decided_at: datetime | None
    decided_by: str | None
    why: str | None

    @classmethod
    def of(cls, review: Review) -> "ReviewOut":
        """Show a review; of an open one not what was decided before it was opened again."""
        shown = asdict(review)
        if review.decision is None:
            shown |= {"decided_at": None, "decided_by": None, "why": None}
        return cls.model_validate(shown)


class ReviewsOut(BaseModel):
    """What is to be decided, the oldest first; or what was decided, the newest first."""

    open: int = Field(description="How many wait for a decision, in all.")
    reviews: list[ReviewOut]


StrictlyDecision = Annotated[Decision, Field(strict=False)]


class DecisionIn(Wire):
    """What becomes of a hash."""

    decision: StrictlyDecision = Field(
        description="release: back to the standing that it had; keep: confirmed, and not to be "
        "quarantined again; remove: its bits are not matched, whoever submits them."
    )
    instead_of: StrictlyDecision | None = Field(
        default=None, description="To change a decision: the one that is to be changed."
    )


class DecidedOut(BaseModel):
    """What the hash is now."""

    record: UUID
    decision: Decision
    standing: Standing
