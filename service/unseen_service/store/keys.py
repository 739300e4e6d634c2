"""Platforms and their keys; of a key only the digest is kept."""

from collections.abc import Mapping
from typing import Any

from ..models.keys import Key, NewKey, Scope
from .pool import Transaction, execute, notify

CHANNEL = "unseen_keys"
"""Notified whenever a key was issued, approved or revoked."""


async def platform_like(tx: Transaction, name: str) -> str | None:
    """Find another platform whose name differs from this one by capitals only."""
    row = await (await execute(tx, "platform_like", name=name)).fetchone()
    return str(row["name"]) if row else None


async def issue(
    tx: Transaction, asked: NewKey, digest: bytes, *, by: str, pending: bool
) -> tuple[int, int]:
    """Store a new key of a platform, which is added if new; answer the platform's and key's id.

    A pending one is in force once it is approved.
    """
    platform_id = await _id(tx, "find_or_add_platform", name=asked.platform)
    key_id = await _id(
        tx,
        "insert_key",
        platform_id=platform_id,
        digest=digest,
        scopes=sorted(scope.value for scope in asked.scopes),
        note=asked.note,
        issued_by=by,
        expires_at=asked.expires_at,
        pending=pending,
    )
    await notify(tx, CHANNEL)
    return platform_id, key_id


async def issue_successor(
    tx: Transaction, key_id: int, digest: bytes, *, by: str, overlap_s: int, pending: bool
) -> int:
    """Store a key like another, to take its place; answer its id."""
    successor = await _id(
        tx,
        "insert_successor",
        key_id=key_id,
        digest=digest,
        issued_by=by,
        overlap_s=overlap_s,
        pending=pending,
    )
    await notify(tx, CHANNEL)
    return successor


async def end_replaced(tx: Transaction, key_id: int) -> int | None:
    """Let the key whose place this one takes end with their overlap; answer its id, if any."""
    row = await (await execute(tx, "end_replaced_key", key_id=key_id)).fetchone()
    return int(row["id"]) if row else None


async def lock(tx: Transaction, key_id: int) -> Key | None:
    """Read a key, which nobody else changes until the transaction ends."""
    row = await (await execute(tx, "lock_key", key_id=key_id)).fetchone()
    return _key(row) if row else None


async def has_successor(tx: Transaction, key_id: int) -> bool:
    """Whether another key takes, or will take, the place of this one."""
    row = await (await execute(tx, "has_successor", key_id=key_id)).fetchone()
    return bool(row and row["found"])


async def approve(tx: Transaction, key_id: int, *, by: str) -> None:
    """Put a pending key in force."""
    await execute(tx, "approve_key", key_id=key_id, approved_by=by)
    await notify(tx, CHANNEL)


async def read_all(tx: Transaction) -> list[Key]:
    """Read every key that was ever issued, oldest first."""
    return [_key(row) for row in await (await execute(tx, "list_keys")).fetchall()]


async def revoke(tx: Transaction, key_id: int) -> bool:
    """Put a key out of force; say whether it was not revoked until now."""
    row = await (await execute(tx, "revoke_key", key_id=key_id)).fetchone()
    await notify(tx, CHANNEL)
    return row is not None


async def _id(tx: Transaction, statement: str, **parameters: object) -> int:
    row = await (await execute(tx, statement, **parameters)).fetchone()
    if row is None:
        raise LookupError(f"{statement} answered no row")
    return int(row["id"])


def _key(row: Mapping[str, Any]) -> Key:
    return Key(**{**row, "scopes": frozenset(map(Scope, row["scopes"]))})
