"""The staff's and the operator's flows: keys, and the audit log."""

from collections.abc import Sequence
from dataclasses import dataclass

from . import codes
from .chain import Verifier
from .errors import UnknownName
from .live.keys import digest
from .models import AuditEntry, AuditEvent, Key, Scope
from .store import Store, audit, keys

OPERATOR = "operator"
"""The actor of what is done on the service's own command line."""


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Some entries of the audit log, in order, and how far the log is."""

    entries: Sequence[AuditEntry]
    head_position: int
    head_digest: bytes


async def issue_key(store: Store, platform: str, scopes: frozenset[Scope]) -> tuple[int, str]:
    """Make a key for a platform, which is added if new; answer its id and the key, shown once."""
    if not platform.strip():
        raise UnknownName("A platform needs a name, for example: keys issue Example --scope match")
    key = codes.new_key()
    async with store.transaction() as tx:
        platform_id, key_id = await keys.issue(tx, platform.strip(), digest(key), scopes)
        details = {
            "key": key_id,
            "platform": platform_id,
            "scopes": sorted(scope.value for scope in scopes),
        }
        await audit.append(tx, AuditEvent("key.issued", OPERATOR, None, details))
    return key_id, key


async def list_keys(store: Store) -> list[Key]:
    """List every key that was ever issued, oldest first."""
    async with store.transaction() as tx:
        return await keys.read_all(tx)


async def revoke_key(store: Store, key_id: int) -> None:
    """Put a key out of force on every worker; raise UnknownName where none is in force."""
    async with store.transaction() as tx:
        if not await keys.revoke(tx, key_id):
            raise UnknownName(
                f"No key {key_id} is in force; 'unseen-service keys list' shows which are."
            )
        await audit.append(tx, AuditEvent("key.revoked", OPERATOR, None, {"key": key_id}))


async def read_audit(store: Store, *, after: int, limit: int, kind: str | None) -> AuditPage:
    """Read a page of the audit log."""
    async with store.snapshot() as tx:
        entries = await audit.read(tx, after=after, limit=limit, kind=kind)
        return AuditPage(entries, *await audit.head(tx))


async def verify_audit(store: Store) -> Verifier:
    """Walk the whole audit log; raise ChainBroken at the first entry that does not fit."""
    async with store.snapshot() as tx:
        return await audit.verify(tx)
