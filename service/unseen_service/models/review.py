"""The review queue: why a hash is in it, and what staff decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from .hashes import Standing


class Cause(StrEnum):
    """Why a hash is in the review queue.

    `not-intimate`: two platforms reported that. `over-matching`: lookups found it in far more
    distinct uploads than other hashes. Both make the hash suspect: it is matched, and what it
    finds beyond 8 bits is marked. `often-found`: lookups found it far more often, or mostly on one
    platform.
    """

    OVER_MATCHING = "over-matching"
    NOT_INTIMATE = "not-intimate"
    OFTEN_FOUND = "often-found"


class Decision(StrEnum):
    """What staff decide about a hash in the review queue.

    `release` restores the standing that it had, `keep` confirms it, and `remove` bars its bits,
    whoever submits them, until staff decide otherwise.
    """

    RELEASE = "release"
    KEEP = "keep"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A decision that takes a second person: `person` proposed it, as `by` in the audit log."""

    decision: Decision
    by: str
    person: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Review:
    """A hash in the review queue: the cause, the evidence, and the decision if there is one.

    `evidence` holds the counts that opened the review; `opinions` maps what platforms report now
    to their names. `proposal` waits for a second person.
    """

    record: UUID
    standing: Standing
    cause: Cause
    evidence: Mapping[str, int]
    opened_at: datetime
    decision: Decision | None
    decided_at: datetime | None
    decided_by: str | None
    why: str | None
    images: int
    opinions: Mapping[str, Sequence[str]]
    suspect: bool
    proposal: Proposal | None


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What a decision about a hash depends on; `held`: an image that is not withdrawn has it."""

    hash_id: int
    record: UUID
    standing: Standing
    before: Standing
    decision: Decision | None
    active: bool
    held: bool
    proposal: Proposal | None


@dataclass(frozen=True, slots=True)
class Decided:
    """A hash's standing after a decision; not `final`: it waits for a second person."""

    standing: Standing
    final: bool
