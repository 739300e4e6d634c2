"""Cases: what a person submits, and what they see of it afterwards."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from .feedback import Opinion
from .hashes import View


@dataclass(frozen=True, slots=True)
class SubmittedHash:
    """One hash of one view of an image, as the device made it."""

    pdq: bytes = field(repr=False)
    quality: int
    view: View


@dataclass(frozen=True, slots=True)
class SubmittedImage:
    """One image: its hashes, and the pixel convention that they were made under."""

    hashes: tuple[SubmittedHash, ...]
    convention: str


@dataclass(frozen=True, slots=True)
class Submission:
    """What a person sends: images and the PIN that their device made (normalised)."""

    images: tuple[SubmittedImage, ...]
    pin: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CaseSecret:
    """What is kept of a PIN, and the case that it opens."""

    case_id: int
    audit_ref: UUID
    pin_salt: bytes = field(repr=False)
    pin_digest: bytes = field(repr=False)
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class ImageStatus:
    """One image of a case, as its owner sees it."""

    number: int
    hashes: int
    matches: int
    last_match_at: datetime | None
    under_review: bool
    declined: bool
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class PlatformStatus:
    """What one platform was handed, found and said of a case."""

    platform: str
    matches: int
    first_match_at: datetime | None
    last_match_at: datetime | None
    delivered_at: datetime | None
    feedback: Opinion | None
    removed_at: datetime | None
    withdrawal_confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Case:
    """One person's takedown request, as they see it."""

    number: str
    submitted_at: datetime
    withdrawn_at: datetime | None
    images: tuple[ImageStatus, ...]
    platforms: tuple[PlatformStatus, ...]
