"""Platforms and their keys; of a key only the digest is stored."""

from collections.abc import Mapping
from typing import Any

from ..models.keys import Key, NewKey, Scope
from .statements import Transaction, execute, fetch_one, fetch_rows, fetch_value, notify

CHANNEL = "unseen_keys"
"""Notified whenever a key or its limits have changed."""


async def lock_all(tx: Transaction) -> None:
    """Become the only one to change keys until the transaction ends.

    Whether someone may approve a key depends on other keys. Make it the first statement.
    """
    await execute(tx, "lock_keys")


async def platform_like(tx: Transaction, name: str) -> str | None:
    """Return the name of another platform that differs from this one only by case."""
    found: str | None = await fetch_value(tx, "platform_like", name=name)
    return found


async def insert(
    tx: Transaction, new: NewKey, digest: bytes, *, by: str, needs_approval: bool
) -> tuple[int, int]:
    """Insert a key of a platform, which is added if new. Return the platform's and the key's id.

    One that its holder made (`new.digest`) is inactive until `activate`, and one that needs
    approval until `approve`.
    """
    platform_id = int(await fetch_value(tx, "find_or_add_platform", name=new.platform))
    key_id = await fetch_value(
        tx,
        "insert_key",
        platform_id=platform_id,
        digest=digest,
        scopes=sorted(scope.value for scope in new.scopes),
        note=new.note,
        issued_by=by,
        expires_at=new.expires_at,
        needs_approval=needs_approval,
        made_by_holder=new.digest is not None,
    )
    await notify(tx, CHANNEL)
    return platform_id, int(key_id)


async def insert_successor(
    tx: Transaction,
    key_id: int,
    digest: bytes,
    *,
    by: str,
    overlap_s: int,
    needs_approval: bool,
    made_by_holder: bool,
    keeps_expiry: bool = False,
) -> int:
    """Insert a key like another, to replace it. Return its id.

    It expires after as long a time as the other was issued for, or with `keeps_expiry` when the
    other does.
    """
    successor_id = await fetch_value(
        tx,
        "insert_successor",
        key_id=key_id,
        digest=digest,
        issued_by=by,
        overlap_s=overlap_s,
        needs_approval=needs_approval,
        made_by_holder=made_by_holder,
        keeps_expiry=keeps_expiry,
    )
    await notify(tx, CHANNEL)
    return int(successor_id)


async def end_replaced(tx: Transaction, key_id: int) -> int | None:
    """End the key that this one replaces when their overlap ends. Return its id, if any."""
    replaced: int | None = await fetch_value(tx, "end_replaced_key", key_id=key_id)
    return replaced


async def lock(tx: Transaction, key_id: int) -> Key | None:
    """Read and lock a key; None if there is no such key."""
    row = await fetch_one(tx, "lock_key", key_id=key_id)
    return _key(row) if row else None


async def lock_by_digest(tx: Transaction, digest: bytes) -> Key | None:
    """Read and lock the key of a digest (32 bytes); None if there is no such key."""
    row = await fetch_one(tx, "lock_key_by_digest", digest=digest)
    return _key(row) if row else None


async def has_digest(tx: Transaction, digest: bytes) -> bool:
    """Return whether a key with this digest (32 bytes) was ever registered."""
    return bool(await fetch_value(tx, "has_digest", digest=digest))


async def activate(tx: Transaction, key_id: int) -> None:
    """Record that the holder has used a key; it is active now unless it needs approval."""
    await execute(tx, "activate_key", key_id=key_id)
    await notify(tx, CHANNEL)


async def link_bootstrap_peers(tx: Transaction, one: int, other: int) -> None:
    """Make two keys become active together, once both have been used."""
    await execute(tx, "link_bootstrap_peers", one=one, other=other)


async def approve_bootstrap_peers(tx: Transaction, key_id: int, *, by: str) -> list[int]:
    """Activate a key and its bootstrap peer if both have been used. Return their ids, or none."""
    rows = await fetch_rows(tx, "approve_bootstrap_peers", key_id=key_id, approved_by=by)
    await notify(tx, CHANNEL)
    return sorted(row["id"] for row in rows)


async def revoke_waiting_successors(tx: Transaction, key_id: int) -> list[int]:
    """Revoke the keys that would replace this one and are not active yet. Return their ids."""
    rows = await fetch_rows(tx, "revoke_waiting_successors", key_id=key_id)
    await notify(tx, CHANNEL)
    return sorted(row["id"] for row in rows)


async def has_successor(tx: Transaction, key_id: int) -> bool:
    """Return whether another key replaces this one, or will once it is approved."""
    return bool(await fetch_value(tx, "has_successor", key_id=key_id))


async def approve(tx: Transaction, key_id: int, *, by: str) -> None:
    """Activate a pending key."""
    await execute(tx, "approve_key", key_id=key_id, approved_by=by)
    await notify(tx, CHANNEL)


async def read_all(tx: Transaction) -> list[Key]:
    """Return every key that was ever issued, oldest first."""
    return [_key(row) for row in await fetch_rows(tx, "list_keys")]


async def revoke(tx: Transaction, key_id: int) -> bool:
    """Revoke a key. Return whether it was not revoked before."""
    row = await fetch_one(tx, "revoke_key", key_id=key_id)
    await notify(tx, CHANNEL)
    return row is not None


def _key(row: Mapping[str, Any]) -> Key:
    return Key(**{**row, "scopes": frozenset(map(Scope, row["scopes"]))})
