"""The StopNCII exchange protocol's shapes, as its public client reads and writes them.

That client skips a record over an unknown value, but drops a whole page over a wrong type or a
missing field; it ignores fields that it does not know. What it sends is read as leniently.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ...models.feed import FeedEntry, FeedStatus
from ...models.feedback import GivenFeedback, Opinion
from .common import Pdq

MOST_AT_ONCE = 10_000


class FeedbackValue(StrEnum):
    """What a platform says of a hash, in the protocol's words."""

    UNKNOWN = "Unknown"
    NONE = "None"
    QUALITY_UNKNOWN = "QualityUnknown"
    PENDING_REVIEW = "PendingReview"
    BLOCKED = "Blocked"
    NOT_BLOCKED = "NotBlocked"
    WITHDRAWN = "Withdrawn"
    DELETED = "Deleted"


GONE = frozenset({FeedbackValue.WITHDRAWN, FeedbackValue.DELETED})
"""The platform holds the hash no more; by `Withdrawn` it also takes back what it submitted."""

_MEANS = {
    FeedbackValue.PENDING_REVIEW: Opinion.PENDING_REVIEW,
    FeedbackValue.BLOCKED: Opinion.REMOVED,
    FeedbackValue.NOT_BLOCKED: Opinion.NOT_REMOVED,
}
_SHOWN = {
    None: FeedbackValue.NONE,
    Opinion.PENDING_REVIEW: FeedbackValue.PENDING_REVIEW,
    Opinion.REMOVED: FeedbackValue.BLOCKED,
    Opinion.NOT_REMOVED: FeedbackValue.NOT_BLOCKED,
    Opinion.NOT_INTIMATE: FeedbackValue.NOT_BLOCKED,
}

Tag = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,128}$")]


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class FeedbackOf(_Read):
    """What the platform says of a hash; who says it is whoever holds the key."""

    feedbackValue: FeedbackValue  # noqa: N815
    tags: list[Tag] = Field(default=[], max_length=64)

    def given(self) -> GivenFeedback:
        """Say it in this service's words."""
        return GivenFeedback(_MEANS.get(self.feedbackValue), frozenset(self.tags))


class HashFeedbackIn(FeedbackOf):
    """Feedback on one hash."""

    hashValue: Pdq  # noqa: N815


class SubmitFeedbackIn(_Read):
    """Feedback on hashes; the last on one counts."""

    hashFeedbacks: list[HashFeedbackIn] = Field(max_length=MOST_AT_ONCE)  # noqa: N815


class SubmittedIn(_Read):
    """A hash of the platform's own; the client writes its type in either way."""

    signalType: Literal["ImagePDQ", "StopNCIISignalType.ImagePDQ"]  # noqa: N815
    hashValue: Pdq  # noqa: N815
    CSPFeedbacks: list[FeedbackOf] = Field(default=[], max_length=1)


class SubmitHashesIn(_Read):
    """Hashes of the platform's own."""

    hashRecords: list[SubmittedIn] = Field(max_length=MOST_AT_ONCE)  # noqa: N815


class TakenOut(BaseModel):
    """How many came; a hash that is not kept is counted too, so that nothing is told of it."""

    count: int


class RecordOut(BaseModel):
    """A hash as it is now; it takes the place of every earlier record of the same hash."""

    lastModtimestamp: int = Field(description="Unix seconds.")  # noqa: N815
    signalType: Literal["ImagePDQ"]  # noqa: N815
    hashValue: str  # noqa: N815
    hashStatus: Literal["Active", "Withdrawn"]  # noqa: N815
    caseNumbers: dict[str, str] = Field(  # noqa: N815
        description="Always empty: a case number is half of what opens a case."
    )
    CSPFeedbacks: list["SaidOut"]


class SaidOut(BaseModel):
    """What a platform says of a hash."""

    feedbackValue: FeedbackValue  # noqa: N815
    tags: list[str]
    source: str


class FetchOut(BaseModel):
    """A page; go on with the token, or later from nextSetTimestamp."""

    count: int
    nextPageToken: str | None  # noqa: N815
    nextSetTimestamp: int = Field(  # noqa: N815
        description="Unix seconds; everything of an earlier second has been handed out."
    )
    hasMoreRecords: bool  # noqa: N815
    hashRecords: list[RecordOut]  # noqa: N815


def record(entry: FeedEntry) -> dict[str, object] | None:
    """Write a record by hand; None for a hash whose bits are erased, which has no name here."""
    if entry.pdq is None:
        return None
    active = entry.status is FeedStatus.ACTIVE
    return {
        "lastModtimestamp": int(entry.at.timestamp()),
        "signalType": "ImagePDQ",
        "hashValue": entry.pdq.hex(),
        "hashStatus": "Active" if active else "Withdrawn",
        "caseNumbers": {},
        "CSPFeedbacks": [
            {
                "feedbackValue": _SHOWN[said.value].value,
                "tags": list(said.tags),
                "source": said.source,
            }
            for said in entry.feedback
        ],
    }
