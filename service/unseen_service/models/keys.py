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
    """The status of a key: only an active one (in force) opens anything.

    A key whose secret its holder made is unused until the holder has activated it. One that needs
    approval is then pending until a second person approves it.
    """

    IN_FORCE = "in-force"
    UNUSED = "unused"
    PENDING = "pending"
    EXPIRED = "expired"
    REVOKED = "revoked"


_SECOND_PERSON = frozenset({Scope.FEED, Scope.SUBMIT, Scope.AUDIT, Scope.ADMIN})


def needs_approval(scopes: Collection[Scope]) -> bool:
    """Return whether a second person must approve a key with these scopes.

    `feed` gives access to all hashes, and `submit` adds to them; a key with `audit` or `admin`
    stands for a person. The secret of such a key is made by its holder, so that nobody else can
    act as them. The answer is stored with the key, and a constraint of the database enforces it.
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
    made_by_holder: bool = False
    """Whether only the holder knows the secret; otherwise its issuer saw it."""
    used_at: datetime | None = None
    """When the holder activated it."""
    bootstrap_peer: int | None = None
    """The other key, if it was created as one of the first two admins'."""

    def status(self, now: datetime) -> KeyStatus:
        """Return the status at a time."""
        if self.revoked_at is not None:
            return KeyStatus.REVOKED
        if self.expires_at is not None and self.expires_at <= now:
            return KeyStatus.EXPIRED
        if self.made_by_holder and self.used_at is None:
            return KeyStatus.UNUSED
        return KeyStatus.PENDING if self.approved_at is None else KeyStatus.IN_FORCE


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to issue: for which platform, what for, until when, and who asked for it and why.

    `digest` (32 bytes) is that of the secret, if the holder made it.
    """

    platform: str
    scopes: frozenset[Scope]
    note: str = ""
    expires_at: datetime | None = None
    digest: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key. `secret` is to be shown once; None if its holder made it."""

    id: int
    digest: bytes = field(repr=False)
    status: KeyStatus
    secret: str | None = field(default=None, repr=False)

    @property
    def key(self) -> str:
        """The secret, of a key that was generated here. Raises ValueError for others."""
        if self.secret is None:
            raise ValueError(f"only the holder has the secret of key {self.id}")
        return self.secret


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """The limits of a key family; None: as the service's settings say, 0: no limit."""

    family_id: int
    requests_per_minute: int | None = None
    hashes_per_minute: int | None = None
    coarse: bool | None = None
    paused_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeyUsage:
    """What a key family has used of its budgets."""

    family_id: int
    requests: float
    hashes: float
