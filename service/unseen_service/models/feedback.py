"""Feedback that platforms give on hashes."""

from dataclasses import dataclass
from enum import StrEnum

MAX_TAGS = 16
"""Tags of one platform on one hash."""
MAX_TAG_CHARACTERS = 64
MAX_TAG_BYTES = 2_048
"""UTF-8 bytes of the tags on one hash: of one platform where they are given, of all platforms
together where they are shown."""


class Opinion(StrEnum):
    """What a platform reports about a hash.

    `pending-review`: it has begun a review. `removed`: it removed the upload. `not-removed`: it
    reviewed the upload and left it. `not-intimate`: the image is not an intimate one.
    """

    PENDING_REVIEW = "pending-review"
    REMOVED = "removed"
    NOT_REMOVED = "not-removed"
    NOT_INTIMATE = "not-intimate"


@dataclass(frozen=True, slots=True)
class Feedback:
    """What one platform (`source`) reports about a hash; no value if it only gave tags."""

    source: str
    value: Opinion | None
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GivenFeedback:
    """New feedback of a platform on a hash; without a value it only changes the tags."""

    value: Opinion | None
    tags: frozenset[str] = frozenset()
