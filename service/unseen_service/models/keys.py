"""Keys: scopes, status, limits and usage."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Scope(StrEnum):
    """What a key may do."""

    MATCH = "match"
    FEED = "feed"
    FEEDBACK = "feedback"
    SUBMIT = "submit"
    AUDIT = "audit"
    ADMIN = "admin"


class KeyStatus(StrEnum):
    """The status of a key: only an active one (in force) opens anything."""

    IN_FORCE = "in-force"
    PENDING = "pending"
    EXPIRED = "expired"
    REVOKED = "revoked"


_SECOND_PERSON = frozenset({Scope.FEED, Scope.ADMIN})


def needs_approval(scopes: Collection[Scope]) -> bool:
    """Return whether a second person must approve a key with these scopes.

    `feed` gives access to all hashes, `admin` can issue keys. The answer is stored with the key,
    and a constraint of the database enforces it.
    """
    return not _SECOND_PERSON.isdisjoint(scopes)


@dataclass(frozen=True, slots=True)
class Key:
    """A platform's key: what it may do and since when; the key itself is not stored.

    `family_id` is the id of the first key of its family: the keys that were rotated into one
    another, which belong to one holder.
    """

    id: int
    family_id: int
    platform_id: int
    platform: str
    digest: bytes = field(repr=False)
    scopes: frozenset[Scope]
    note: str
    created_at: datetime
    issued_by: str
    approved_at: datetime | None
    approved_by: str | None
    expires_at: datetime | None
    revoked_at: datetime | None

    def status(self, now: datetime) -> KeyStatus:
        """Return the status at a time."""
        if self.revoked_at is not None:
            return KeyStatus.REVOKED
        if self.expires_at is not None and self.expires_at <= now:
            return KeyStatus.EXPIRED
        return KeyStatus.PENDING if self.approved_at is None else KeyStatus.IN_FORCE


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to issue: for which platform, what for, until when, and who asked for it and why."""

    platform: str
    scopes: frozenset[Scope]
    note: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key, to be shown once; it is active, or pending."""

    id: int
    key: str = field(repr=False)
    status: KeyStatus


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """The limits of a key family; None: as the service's settings say, 0: no limit."""

    family_id: int
    requests_per_minute: int | None = None
    hashes_per_minute: int | None = None
    coarse: bool = False
    paused_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeyUsage:
    """What a key family has used of its budgets."""

    family_id: int
    requests: float
    hashes: float
