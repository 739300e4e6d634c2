"""Platforms and their keys; of a key only the digest is kept."""

from collections.abc import Iterable

from ..models import Key, Scope
from .database import Transaction, execute, notify

CHANNEL = "unseen_keys"
"""Notified whenever a key was issued or revoked."""


async def issue(
    tx: Transaction, platform: str, digest: bytes, scopes: Iterable[Scope]
) -> tuple[int, int]:
    """Store a new key of a platform, which is added if new; answer the platform's and key's id."""
    row = await (await execute(tx, "find_or_add_platform", name=platform)).fetchone()
    platform_id = int(row["id"]) if row else 0
    row = await (
        await execute(
            tx,
            "insert_key",
            platform_id=platform_id,
            digest=digest,
            scopes=sorted(scope.value for scope in scopes),
        )
    ).fetchone()
    await notify(tx, CHANNEL)
    return platform_id, int(row["id"]) if row else 0


async def read_all(tx: Transaction) -> list[Key]:
    """Read every key that was ever issued, oldest first."""
    rows = await (await execute(tx, "list_keys")).fetchall()
    return [Key(**{**row, "scopes": frozenset(map(Scope, row["scopes"]))}) for row in rows]


async def revoke(tx: Transaction, key_id: int) -> bool:
    """Put a key out of force; say whether it was in force until now."""
    row = await (await execute(tx, "revoke_key", key_id=key_id)).fetchone()
    await notify(tx, CHANNEL)
    return row is not None
