"""Keys, as staff issue and see them."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field

from ...models.keys import Key, KeyStatus, Scope
from .common import Wire

StrictlyScope = Annotated[Scope, Field(strict=False)]


class KeyIn(Wire):
    """A key that is asked for."""

    platform: str = Field(min_length=1, max_length=200, description="Who it is for.")
    scopes: set[StrictlyScope] = Field(min_length=1, strict=False)
    note: str = Field(default="", max_length=200, description="Who asked for it, and why.")
    expires_at: AwareDatetime | None = Field(default=None, strict=False)


class RotationIn(Wire):
    """How long the old key and the new one are both in force."""

    overlap_s: int = Field(default=7 * 24 * 3600, ge=0, le=90 * 24 * 3600)


class IssuedOut(BaseModel):
    """A new key; it is shown this once."""

    id: int
    key: str
    status: KeyStatus


class KeyOut(BaseModel):
    """A key, without what is secret."""

    id: int
    platform: str
    scopes: list[Scope]
    status: KeyStatus
    note: str
    created_at: datetime
    issued_by: str
    approved_by: str | None
    expires_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: Key, now: datetime) -> "KeyOut":
        """Show a key as it is at this moment."""
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
    """Every key that was ever issued, oldest first."""

    keys: list[KeyOut]
