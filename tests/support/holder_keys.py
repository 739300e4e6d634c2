"""Keys as their holders make them, and two admins who issue and approve them."""

from dataclasses import dataclass, field
from typing import Any

import httpx
from unseen_service import credentials
from unseen_service.models.audit import Staff
from unseen_service.models.keys import NewKey, needs_approval
from unseen_service.store import Store
from unseen_service.usecases import key_approval, key_holders, keys

from .waiting import PATIENCE_S

ISSUER, APPROVER = Staff("staff:Issuer", "key:-1"), Staff("staff:Approver", "key:-2")
"""Admins whom no test meets: neither has brought in the other, nor anybody else."""


@dataclass(frozen=True)
class HolderKey:
    """A secret that its holder made, and its digest as they tell it to the issuer."""

    secret: str = field(default_factory=credentials.new_key)

    @property
    def digest_bytes(self) -> bytes:
        return credentials.key_digest(self.secret)

    @property
    def digest(self) -> str:
        return f"sha256:{self.digest_bytes.hex()}"

    @property
    def fingerprint(self) -> str:
        return credentials.key_fingerprint(self.digest_bytes)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}", "Unseen-Reason": "a test"}

    def activate(self, url: str) -> httpx.Response:
        """Use the key for the first time, as `unseen key activate` does."""
        return httpx.post(f"{url}/v1/keys/self/activate", headers=self.headers, timeout=PATIENCE_S)

    def body(self, platform: str, *scopes: str, **more: Any) -> dict[str, Any]:
        """Return the body of `POST /v1/keys` for this key."""
        return {"platform": platform, "scopes": [*scopes], "digest": self.digest, **more}


async def issue_active(store: Store, new: NewKey) -> tuple[int, str]:
    """Issue a key with all that its scopes need until it is active. Return its id and secret."""
    if not needs_approval(new.scopes):
        issued = await keys.issue_key(store, new)
        return issued.id, issued.key
    made = HolderKey()
    with_digest = NewKey(new.platform, new.scopes, new.note, new.expires_at, made.digest_bytes)
    issued = await keys.issue_key(store, with_digest, ISSUER)
    await key_holders.activate_key(store, made.digest_bytes)
    await key_approval.approve_key(store, issued.id, APPROVER)
    return issued.id, made.secret
