"""Schemas of keys."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, FailFast, Field

from ...credentials import key_fingerprint
from ...models.keys import IssuedKey, Key, KeyStatus, Scope
from .common import RequestModel, Time

ScopeValue = Annotated[Scope, Field(strict=False)]
Digest = Annotated[
    str,
    Field(
        max_length=100,
        description="The digest of a key whose secret its holder made: `sha256:` and the SHA-256 "
        "of the key in hex, as `unseen key new` prints it.",
        examples=["sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"],
    ),
]


FINGERPRINT = (
    "The first 100 bits of the key's digest, in groups to read aloud. Approve a key only if its "
    "holder reads you the same."
)


class KeyIn(RequestModel):
    """A key to issue."""

    platform: str = Field(
        min_length=1,
        max_length=200,
        description="The platform, or the member of staff, that the key is for. Added if new.",
    )
    scopes: Annotated[set[ScopeValue], FailFast()] = Field(
        min_length=1,
        max_length=len(Scope),
        strict=False,
        description="What the key may do. `match`: look up hashes. `feed`: read the feed, fetch "
        "hashes, use webhooks. `feedback`: report results, confirm deletions. `submit`: submit "
        "hashes of a platform's own bank. `audit`: read what staff read. `admin`: manage keys, "
        "decide reviews.",
    )
    note: str = Field(
        default="", max_length=200, description="Who asked for the key, and why; one line."
    )
    expires_at: Time | None = Field(
        default=None, description="When the key expires; never if not given."
    )
    digest: Digest | None = None


class RotationIn(RequestModel):
    """How to rotate a key."""

    overlap_s: int = Field(
        default=7 * 24 * 3600,
        ge=0,
        le=90 * 24 * 3600,
        description="For how many seconds the old key and the new one are both active.",
    )
    digest: Digest | None = None


class OwnRotationIn(RequestModel):
    """A successor that the holder of a key has made."""

    digest: Digest
    overlap_s: int = Field(
        default=3600,
        ge=0,
        le=90 * 24 * 3600,
        description="For how many seconds the old key stays active after the new one was "
        "activated.",
    )


class IssuedOut(BaseModel):
    """A new key."""

    id: int
    key: str | None = Field(
        description="The key itself, which is shown only once; null if its holder made it."
    )
    status: KeyStatus
    fingerprint: str = Field(description=FINGERPRINT)

    @classmethod
    def of(cls, new: IssuedKey) -> "IssuedOut":
        """Return a new key as the API shows it, once."""
        return cls(
            id=new.id,
            key=new.secret,
            status=new.status,
            fingerprint=key_fingerprint(new.digest),
        )


class KeyOut(BaseModel):
    """A key, without its secret."""

    id: int
    platform: str
    scopes: list[Scope]
    status: KeyStatus
    note: str
    created_at: datetime
    issued_by: str = Field(
        description="Who issued it: `key:` and the ID of the first key of a family, `operator`, "
        "or `operator:` and a name."
    )
    approved_by: str | None = Field(
        description="Who approved it, if that was needed; `bootstrap`: one of the first two admins."
    )
    expires_at: datetime | None
    revoked_at: datetime | None
    fingerprint: str = Field(description=FINGERPRINT)
    secret_known_to_issuer: bool = Field(
        description="Whether the service generated the secret and showed it to the issuer. If not, "
        "the holder made it, and nobody else knows it."
    )
    used_at: datetime | None = Field(
        description="When the holder activated it, if they made its secret."
    )

    @classmethod
    def of(cls, key: Key, now: datetime) -> "KeyOut":
        """Return a key as the API shows it at a time."""
        return cls(
            id=key.id,
            platform=key.platform,
            scopes=sorted(key.scopes),
            status=key.status(now),
            note=key.note,
            created_at=key.created_at,
            issued_by=key.issued_by,
            approved_by=key.approved_by,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
            fingerprint=key_fingerprint(key.digest),
            secret_known_to_issuer=not key.made_by_holder,
            used_at=key.used_at,
        )


class OwnKeyOut(BaseModel):
    """The key that was sent, as its holder sees it."""

    id: int
    platform: str = Field(description="The platform, or the member of staff, that it is for.")
    scopes: list[Scope]
    status: KeyStatus
    fingerprint: str = Field(description="What to read to the person who approves the key.")
    expires_at: datetime | None

    @classmethod
    def of(cls, key: Key, status: KeyStatus) -> "OwnKeyOut":
        """Return a key as its holder sees it."""
        return cls(
            id=key.id,
            platform=key.platform,
            scopes=sorted(key.scopes),
            status=status,
            fingerprint=key_fingerprint(key.digest),
            expires_at=key.expires_at,
        )


class KeysOut(BaseModel):
    """All keys, oldest first."""

    keys: list[KeyOut]
