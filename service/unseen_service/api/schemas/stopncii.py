"""Schemas of the StopNCII exchange protocol, as its public client reads and writes them.

That client skips a record with an unknown value, drops a whole page with a wrong type or a
missing field, and ignores unknown fields. What it sends is parsed just as leniently.
"""

from enum import StrEnum
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ...models.feed import FeedEntry, FeedStatus
from ...models.feedback import GivenFeedback, Opinion
from .common import Listed, Pdq
from .tags import Tags

MAX_HASHES = 10_000


class FeedbackValue(StrEnum):
    """What a platform reports about a hash, in the protocol's terms.

    `PendingReview`, `Blocked` and `NotBlocked` are `pending-review`, `removed` and `not-removed` in
    the other operations. `Withdrawn` and `Deleted` confirm a deletion. The rest are no feedback.
    """

    UNKNOWN = "Unknown"
    NONE = "None"
    QUALITY_UNKNOWN = "QualityUnknown"
    PENDING_REVIEW = "PendingReview"
    BLOCKED = "Blocked"
    NOT_BLOCKED = "NotBlocked"
    WITHDRAWN = "Withdrawn"
    DELETED = "Deleted"


DELETED_VALUES = frozenset({FeedbackValue.WITHDRAWN, FeedbackValue.DELETED})
"""The platform deleted the hash; `Withdrawn` also withdraws it from the platform's own bank."""

_OPINIONS = {
    FeedbackValue.PENDING_REVIEW: Opinion.PENDING_REVIEW,
    FeedbackValue.BLOCKED: Opinion.REMOVED,
    FeedbackValue.NOT_BLOCKED: Opinion.NOT_REMOVED,
}
_FEEDBACK_VALUES = {
    None: FeedbackValue.NONE,
    Opinion.PENDING_REVIEW: FeedbackValue.PENDING_REVIEW,
    Opinion.REMOVED: FeedbackValue.BLOCKED,
    Opinion.NOT_REMOVED: FeedbackValue.NOT_BLOCKED,
    Opinion.NOT_INTIMATE: FeedbackValue.NOT_BLOCKED,
}


class _LenientModel(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class FeedbackOf(_LenientModel):
    """Feedback on a hash, from the platform that holds the key."""

    feedbackValue: FeedbackValue  # noqa: N815
    tags: Tags = []

    def to_feedback(self) -> GivenFeedback:
        """Return it in this service's terms."""
        return GivenFeedback(_OPINIONS.get(self.feedbackValue), frozenset(self.tags))


class HashFeedbackIn(FeedbackOf):
    """Feedback on one hash, named by its value, or by its record to confirm a deletion."""

    hashValue: Pdq | None = None  # noqa: N815
    record: UUID | None = Field(
        default=None,
        description="The record of a withdrawn hash, with `Deleted`: whoever deleted the hash "
        "need not keep its bits to say so.",
    )

    @model_validator(mode="after")
    def _has_one_name(self) -> Self:
        if (self.hashValue is None) == (self.record is None):
            raise ValueError("Name the hash by its hashValue, or its record to confirm a deletion.")
        if self.record is not None and self.feedbackValue is not FeedbackValue.DELETED:
            raise ValueError("By its record, only the deletion of a hash can be confirmed.")
        return self


class SubmitFeedbackIn(_LenientModel):
    """Feedback on hashes; the last per hash counts."""

    hashFeedbacks: Listed[HashFeedbackIn] = Field(max_length=MAX_HASHES)  # noqa: N815


class SubmittedIn(_LenientModel):
    """A hash of the platform's own bank."""

    signalType: Literal["ImagePDQ", "StopNCIISignalType.ImagePDQ"] = Field(  # noqa: N815
        description="Clients send either form."
    )
    hashValue: Pdq  # noqa: N815
    CSPFeedbacks: Listed[FeedbackOf] = Field(default=[], max_length=1)


class SubmitHashesIn(_LenientModel):
    """Hashes of the platform's own bank."""

    hashRecords: Listed[SubmittedIn] = Field(max_length=MAX_HASHES)  # noqa: N815


class TakenOut(BaseModel):
    """The request was accepted."""

    count: int = Field(
        description="Number of items in the request, whether or not their hashes are stored."
    )


class RefusedOut(BaseModel):
    """A hash that was not stored."""

    at: str = Field(description="Its place in the request.", examples=["hashRecords.3.hashValue"])
    type: str = Field(description="The type of the problem, as in a problem document.")
    detail: str = Field(description="Why it was refused, for people.")


class SubmittedOut(TakenOut):
    """The hashes were stored, except those that were refused."""

    refused: list[RefusedOut] = Field(description="The hashes that were not stored, in order.")


class RecordOut(BaseModel):
    """A hash in its current state. It replaces every earlier record of the same hash."""

    lastModtimestamp: int = Field(description="Its last change, in Unix time.")  # noqa: N815
    signalType: Literal["ImagePDQ"]  # noqa: N815
    hashValue: str = Field(description="A PDQ hash: 256 bits as 64 hex digits.")  # noqa: N815
    hashStatus: Literal["Active", "Withdrawn"]  # noqa: N815
    caseNumbers: dict[str, str] = Field(  # noqa: N815
        description="Always empty: case numbers are confidential."
    )
    CSPFeedbacks: list["SaidOut"] = Field(description="What platforms report about it.")
    suspect: bool = Field(
        description="Not part of the protocol, whose clients ignore it: the hash waits for a "
        "decision by staff. Let a person look at uploads that are more than 8 bits away from it."
    )
    record: UUID | None = Field(
        default=None, description="The hash's ID, to confirm its deletion; only if withdrawn."
    )


class SaidOut(BaseModel):
    """What a platform reports about a hash."""

    feedbackValue: FeedbackValue  # noqa: N815
    tags: list[str]
    source: str = Field(description="The platform.")


class FetchOut(BaseModel):
    """A page of hashes."""

    count: int = Field(description="Number of records in this page.")
    nextPageToken: str | None = Field(  # noqa: N815
        description="Where the next page begins; null if this is the last."
    )
    nextSetTimestamp: int = Field(  # noqa: N815
        description="Where to start next time, as Unix time; every earlier change has been "
        "returned."
    )
    hasMoreRecords: bool  # noqa: N815
    hashRecords: list[RecordOut]  # noqa: N815


def record_json(entry: FeedEntry) -> dict[str, object] | None:
    """Return a record as JSON; None if its bits are erased: records are identified by them here.

    Without RecordOut, since the values need no validation.
    """
    if entry.pdq is None:
        return None
    active = entry.status is FeedStatus.ACTIVE
    name = {} if active else {"record": str(entry.record)}
    return {
        "lastModtimestamp": int(entry.at.timestamp()),
        "signalType": "ImagePDQ",
        "hashValue": entry.pdq.hex(),
        "hashStatus": "Active" if active else "Withdrawn",
        "caseNumbers": {},
        "CSPFeedbacks": [
            {
                "feedbackValue": _FEEDBACK_VALUES[each.value].value,
                "tags": list(each.tags),
                "source": each.source,
            }
            for each in entry.feedback
        ],
        **name,
        "suspect": active and entry.suspect,
    }
