"""What the floors hand to each other: frozen values, no behaviour to speak of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

HASH_BYTES = 32
"""Bytes in a PDQ hash."""

MATCH_RADIUS = 31
"""The Hamming distance, in bits, within which PDQ's authors call two hashes a match."""

LOWEST_QUALITY = 50
"""The lowest PDQ quality that is kept; its authors discard 49 and less."""


class View(StrEnum):
    """Which turn of the picture a hash is of; `mirror-turn-N` is mirrored first, then turned."""

    ORIGINAL = "original"
    MIRROR = "mirror"
    TURN_90 = "turn-90"
    TURN_180 = "turn-180"
    TURN_270 = "turn-270"
    MIRROR_TURN_90 = "mirror-turn-90"
    MIRROR_TURN_180 = "mirror-turn-180"
    MIRROR_TURN_270 = "mirror-turn-270"


class Standing(StrEnum):
    """What is thought of a hash."""

    UNREVIEWED = "unreviewed"
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    QUARANTINED = "quarantined"


class Scope(StrEnum):
    """What a key may do."""

    MATCH = "match"
    FEED = "feed"
    FEEDBACK = "feedback"
    AUDIT = "audit"
    ADMIN = "admin"


class ChangeKind(StrEnum):
    """What the change log says of a hash."""

    ADD = "add"
    REMOVE = "remove"


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
    wrong_pins: int
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class ImageStatus:
    """One image of a case, as its owner sees it."""

    number: int
    hashes: int
    matches: int
    last_match_at: datetime | None
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class PlatformStatus:
    """What one platform found of a case."""

    platform: str
    matches: int
    first_match_at: datetime
    last_match_at: datetime


@dataclass(frozen=True, slots=True)
class Case:
    """One person's takedown request, as they see it."""

    number: str
    submitted_at: datetime
    withdrawn_at: datetime | None
    images: tuple[ImageStatus, ...]
    platforms: tuple[PlatformStatus, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """A platform's key: what it may do; the key itself is kept nowhere."""

    id: int
    platform_id: int
    platform: str
    digest: bytes = field(repr=False)
    scopes: frozenset[Scope]
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the change log; `pdq` is None where the bits have been erased since."""

    position: int
    kind: ChangeKind
    hash_id: int
    pdq: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConfirmedHash:
    """A candidate of the index that the store says may be matched."""

    id: int
    record: UUID
    view: View
    standing: Standing


@dataclass(frozen=True, slots=True)
class Hit:
    """One stored hash within reach of one query of a look-up."""

    query: int
    record: UUID
    distance: int
    view: View
    standing: Standing


@dataclass(frozen=True, slots=True)
class Matched:
    """The answer to a look-up: its hits, and how far along the change log it was made."""

    generation: int
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Something to be recorded: the store gives it its place, its time and its digest.

    `details` holds strings, integers, booleans, lists and mappings: what JSON keeps exactly.
    """

    kind: str
    actor: str
    subject: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One link of the audit log."""

    position: int
    at: datetime
    kind: str
    actor: str
    subject: str | None
    details: Mapping[str, Any]
    digest: bytes
