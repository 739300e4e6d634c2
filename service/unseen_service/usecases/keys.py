"""Keys: issue, approve by a second person, rotate with an overlap, revoke, list."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from .. import credentials
from ..errors import InvalidRequest, KeyNotFound, SecondPersonNeeded
from ..models.audit import AuditKind, Staff
from ..models.keys import IssuedKey, Key, KeyStatus, NewKey, Scope, needs_approval
from ..store import Store, Transaction, audit, clock, keys
from .actors import OPERATOR, checked_text, key_person, platform_name, staff_event

MAX_OVERLAP_S = 90 * 24 * 3600
_MAX_LIFETIME = timedelta(days=36_525)


async def issue_key(store: Store, new: NewKey, by: Staff = OPERATOR) -> IssuedKey:
    """Issue a key to a platform, which is added if new.

    It is active at once, or once a second person approved it if its scopes need that. Raises
    InvalidRequest.
    """
    key, pending = credentials.new_key(), needs_approval(new.scopes)
    async with store.transaction() as tx:
        new = _checked(new, await clock.now(tx))
        if (other := await keys.platform_like(tx, new.platform)) is not None:
            raise InvalidRequest(
                f"There is a platform '{other}': did you mean that one?", "platform"
            )
        platform_id, key_id = await keys.insert(
            tx, new, credentials.key_digest(key), by=by.person, needs_approval=pending
        )
        details = {
            "key": key_id,
            "platform": platform_id,
            "scopes": _values(new.scopes),
            "note": new.note,
            "pending": pending,
            "expires": new.expires_at.isoformat() if new.expires_at else None,
        }
        await audit.append(tx, staff_event(by, AuditKind.KEY_ISSUED, details))
    return _issued(key_id, key, pending=pending)


async def approve_key(store: Store, key_id: int, by: Staff) -> None:
    """Activate a pending key, as someone other than the person who issued it.

    Raises KeyNotFound, SecondPersonNeeded.
    """
    async with store.transaction() as tx:
        key = await keys.lock(tx, key_id)
        if key is None or key.status(await clock.now(tx)) is not KeyStatus.PENDING:
            raise KeyNotFound(key_id, "is not waiting for approval")
        if by.person in (key.issued_by, key_person(key)):
            raise SecondPersonNeeded
        await keys.approve(tx, key_id, by=by.person)
        ends = await keys.end_replaced(tx, key_id)
        details = {"key": key_id, "ends": ends}
        await audit.append(tx, staff_event(by, AuditKind.KEY_APPROVED, details))


async def rotate_key(
    store: Store, key_id: int, by: Staff = OPERATOR, *, overlap_s: int
) -> IssuedKey:
    """Issue a key that replaces an active one.

    Both are active for `overlap_s` seconds, counted from the approval if one is needed. Raises
    KeyNotFound, InvalidRequest.
    """
    if not 0 <= overlap_s <= MAX_OVERLAP_S:
        raise InvalidRequest("An overlap lasts 0 seconds to 90 days.", "overlap_s")
    key = credentials.new_key()
    async with store.transaction() as tx:
        old = await _rotatable(tx, key_id)
        pending = needs_approval(old.scopes)
        new_id = await keys.insert_successor(
            tx,
            key_id,
            credentials.key_digest(key),
            by=by.person,
            overlap_s=overlap_s,
            needs_approval=pending,
        )
        if not pending:
            await keys.end_replaced(tx, new_id)
        details = {"key": new_id, "replaces": key_id, "overlap_s": overlap_s, "pending": pending}
        await audit.append(tx, staff_event(by, AuditKind.KEY_ROTATED, details))
    return _issued(new_id, key, pending=pending)


async def revoke_key(store: Store, key_id: int, by: Staff = OPERATOR) -> None:
    """Revoke a key on every worker, for good. Raises KeyNotFound if it is revoked already."""
    async with store.transaction() as tx:
        if not await keys.revoke(tx, key_id):
            raise KeyNotFound(key_id, "is not active or waiting for approval")
        await audit.append(tx, staff_event(by, AuditKind.KEY_REVOKED, {"key": key_id}))


async def now(store: Store) -> datetime:
    """Return the time by the clock that keys expire by: PostgreSQL's."""
    async with store.transaction() as tx:
        return await clock.now(tx)


async def list_keys(store: Store) -> list[Key]:
    """Return every key that was ever issued, oldest first."""
    async with store.transaction() as tx:
        return await keys.read_all(tx)


async def read_keys(store: Store, by: Staff, reason: str) -> list[Key]:
    """Return every key to staff; the audit log records that they read them, and why."""
    async with store.transaction() as tx:
        await audit.append(tx, staff_event(by, AuditKind.KEY_LISTED, {"reason": reason}))
        return await keys.read_all(tx)


async def _rotatable(tx: Transaction, key_id: int) -> Key:
    old = await keys.lock(tx, key_id)
    if old is None or old.status(await clock.now(tx)) is not KeyStatus.IN_FORCE:
        raise KeyNotFound(key_id, "is not active")
    if await keys.has_successor(tx, key_id):
        raise InvalidRequest(
            f"Another key replaces key {key_id} already; rotate or revoke that one."
        )
    return old


def _checked(new: NewKey, now: datetime) -> NewKey:
    if new.expires_at is not None:
        lifetime = new.expires_at - now
        if not timedelta(0) < lifetime <= _MAX_LIFETIME:
            raise InvalidRequest("A key expires in the future, within 100 years.", "expires_at")
    note = checked_text(new.note, "note", "A note") if new.note.strip() else ""
    return replace(new, platform=platform_name(new.platform), note=note)


def _issued(key_id: int, key: str, *, pending: bool) -> IssuedKey:
    return IssuedKey(key_id, key, KeyStatus.PENDING if pending else KeyStatus.IN_FORCE)


def _values(scopes: Collection[Scope]) -> list[str]:
    return sorted(scope.value for scope in scopes)
