"""Cases: what a person submits, and what they can see of it later."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from .feedback import Opinion
from .hashes import View


@dataclass(frozen=True, slots=True)
class SubmittedHash:
    """The hash of one view of an image, as the client computed it: `pdq` is 32 bytes."""

    pdq: bytes = field(repr=False)
    quality: int
    view: View


@dataclass(frozen=True, slots=True)
class SubmittedImage:
    """One image: its hashes, and the pixel convention that they were computed with."""

    hashes: tuple[SubmittedHash, ...]
    convention: str


@dataclass(frozen=True, slots=True)
class Submission:
    """What a person submits: images, and the PIN that the client generated (normalised)."""

    images: tuple[SubmittedImage, ...]
    pin: str = field(repr=False)

    @property
    def whole(self) -> frozenset[bytes]:
        """The hashes of which at least one is not of a crop: 32 bytes each."""
        return frozenset(
            each.pdq for image in self.images for each in image.hashes if not each.view.is_crop
        )


@dataclass(frozen=True, slots=True)
class StoredPin:
    """What is stored of a new case's PIN; see CaseSecret."""

    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)
    is_sealed: bool
    tag: int | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class CaseSecret:
    """What a PIN is checked against, and the case that it opens."""

    case_id: int
    audit_ref: UUID
    pin_salt: bytes = field(repr=False)
    pin_digest: bytes = field(repr=False)
    pin_sealed: bool
    """Whether the digest is sealed with the pepper (encryption/keyring.py)."""
    pin_tag: int | None = field(repr=False)
    """A few keyed bits of the PIN; None in a case from before there were tags."""
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class EarlierSubmission:
    """What was stored of a submission, to recognise it if it is sent again."""

    request_digest: bytes = field(repr=False)
    request_sealed: bool
    case_id: int


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
    """What one platform received, found and reported about a case; None means "not yet"."""

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
    """A case, as its owner sees it."""

    number: str
    submitted_at: datetime
    withdrawn_at: datetime | None
    images: tuple[ImageStatus, ...]
    platforms: tuple[PlatformStatus, ...]
