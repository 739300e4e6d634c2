"""The review queue: why a hash is in it, and what staff decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from .hashes import Standing


class Cause(StrEnum):
    """Why a hash is in the staff's queue; one that is only found often is matched meanwhile."""

    OVER_MATCHING = "over-matching"
    NOT_INTIMATE = "not-intimate"
    OFTEN_FOUND = "often-found"


class Decision(StrEnum):
    """What staff make of a hash in the queue.

    `release` gives it back the standing that it had, `keep` confirms it, `remove` puts its bits
    out of reach whoever submits them, until staff decide otherwise.
    """

    RELEASE = "release"
    KEEP = "keep"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Review:
    """One hash in the staff's queue: why, what they have to go by, and what they decided.

    `evidence` holds the counts that put it there; `opinions` which platforms say what of it now.
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


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What a decision on a hash depends on; `held`: an image that is not withdrawn shows it."""

    hash_id: int
    record: UUID
    before: Standing
    decision: Decision | None
    active: bool
    held: bool
