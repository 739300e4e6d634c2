"""API keys: scopes, status, limits and usage."""

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
    """What a key is: only one in force opens anything."""

    IN_FORCE = "in-force"
    PENDING = "pending"
    EXPIRED = "expired"
    REVOKED = "revoked"


TWO_PERSONS = frozenset({Scope.FEED, Scope.ADMIN})
"""The scopes that a second person must approve: all hashes at once, and the giving of keys."""


@dataclass(frozen=True, slots=True)
class Key:
    """A platform's key: what it may do and since when; the key itself is kept nowhere.

    `line` is the first of the keys that were rotated into this one: one line, one holder.
    """

    id: int
    line: int
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
        """Say what it is at this moment."""
        if self.revoked_at is not None:
            return KeyStatus.REVOKED
        if self.expires_at is not None and self.expires_at <= now:
            return KeyStatus.EXPIRED
        return KeyStatus.PENDING if self.approved_at is None else KeyStatus.IN_FORCE


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a key is asked for: who for, what for, until when, and a note of who asked."""

    platform: str
    scopes: frozenset[Scope]
    note: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key, to be shown once; it is in force, or pending."""

    id: int
    key: str = field(repr=False)
    status: KeyStatus


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """What a line of keys may do; None: as the service's settings say, 0: without a limit."""

    line: int
    requests_per_minute: int | None = None
    hashes_per_minute: int | None = None
    coarse: bool = False
    paused_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeyUsage:
    """What a line of keys has spent of its budgets."""

    line: int
    requests: float
    hashes: float
