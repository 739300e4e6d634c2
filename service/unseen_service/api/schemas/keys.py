"""Schemas of keys."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, FailFast, Field

from ...models.keys import Key, KeyStatus, Scope
from .common import RequestModel, Time

ScopeValue = Annotated[Scope, Field(strict=False)]


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


class RotationIn(RequestModel):
    """How to rotate a key."""

    overlap_s: int = Field(
        default=7 * 24 * 3600,
        ge=0,
        le=90 * 24 * 3600,
        description="For how many seconds the old key and the new one are both active.",
    )


class IssuedOut(BaseModel):
    """A new key."""

    id: int
    key: str = Field(description="The key itself, which is shown only once.")
    status: KeyStatus


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
    approved_by: str | None = Field(description="Who approved it, if that was needed.")
    expires_at: datetime | None
    revoked_at: datetime | None

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
        )


class KeysOut(BaseModel):
    """All keys, oldest first."""

    keys: list[KeyOut]
