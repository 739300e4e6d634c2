"""Keys: issued, approved by a second person, rotated with an overlap, revoked, listed."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from .. import credentials
from ..errors import InvalidRequest, KeyNotFound, SecondPersonNeeded
from ..models.audit import Staff
from ..models.keys import TWO_PERSONS, IssuedKey, Key, KeyStatus, NewKey, Scope
from ..store import Store, Transaction, audit, clock, keys
from .actors import OPERATOR, checked_text, event, platform_name

LONGEST_OVERLAP_S = 90 * 24 * 3600
_LONGEST_LIFE = timedelta(days=36_525)


async def issue_key(store: Store, asked: NewKey, by: Staff = OPERATOR) -> IssuedKey:
    """Make a key for a platform, which is added if new.

    One with a scope of TWO_PERSONS is in force when another person has approved it. Raises
    InvalidRequest.
    """
    key, pending = credentials.new_key(), _needs_approval(asked.scopes)
    async with store.transaction() as tx:
        asked = _checked(asked, await clock.now(tx))
        if (other := await keys.platform_like(tx, asked.platform)) is not None:
            raise InvalidRequest(f"There is a platform '{other}': is it that one?", "platform")
        platform_id, key_id = await keys.issue(
            tx, asked, credentials.key_digest(key), by=by.person, pending=pending
        )
        details = {
            "key": key_id,
            "platform": platform_id,
            "scopes": _scopes(asked.scopes),
            "note": asked.note,
            "pending": pending,
            "expires": asked.expires_at.isoformat() if asked.expires_at else None,
        }
        await audit.append(tx, event(by, "key.issued", details))
    return _issued(key_id, key, pending=pending)


async def approve_key(store: Store, key_id: int, by: Staff) -> None:
    """Put a pending key in force, as another person than who issued it.

    Raises KeyNotFound, SecondPersonNeeded.
    """
    async with store.transaction() as tx:
        key = await keys.lock(tx, key_id)
        if key is None or key.status(await clock.now(tx)) is not KeyStatus.PENDING:
            raise KeyNotFound(key_id, "waiting for approval")
        if by.person in (key.issued_by, f"key:{key.line}"):
            raise SecondPersonNeeded
        await keys.approve(tx, key_id, by=by.person)
        ends = await keys.end_replaced(tx, key_id)
        await audit.append(tx, event(by, "key.approved", {"key": key_id, "ends": ends}))


async def rotate_key(
    store: Store, key_id: int, by: Staff = OPERATOR, *, overlap_s: int
) -> IssuedKey:
    """Make a key like one in force, to take its place.

    Both are in force for `overlap_s` seconds, counted from the approval where one is needed.
    Raises KeyNotFound, InvalidRequest.
    """
    if not 0 <= overlap_s <= LONGEST_OVERLAP_S:
        raise InvalidRequest("An overlap lasts 0 seconds to 90 days.", "overlap_s")
    key = credentials.new_key()
    async with store.transaction() as tx:
        old = await _rotatable(tx, key_id)
        pending = _needs_approval(old.scopes)
        new_id = await keys.issue_successor(
            tx,
            key_id,
            credentials.key_digest(key),
            by=by.person,
            overlap_s=overlap_s,
            pending=pending,
        )
        if not pending:
            await keys.end_replaced(tx, new_id)
        details = {"key": new_id, "replaces": key_id, "overlap_s": overlap_s, "pending": pending}
        await audit.append(tx, event(by, "key.rotated", details))
    return _issued(new_id, key, pending=pending)


async def revoke_key(store: Store, key_id: int, by: Staff = OPERATOR) -> None:
    """Put a key out of force on every worker, for good; raise KeyNotFound where it is already."""
    async with store.transaction() as tx:
        if not await keys.revoke(tx, key_id):
            raise KeyNotFound(key_id, "in force or waiting")
        await audit.append(tx, event(by, "key.revoked", {"key": key_id}))


async def now(store: Store) -> datetime:
    """Say what time it is by the clock that keys expire by: PostgreSQL's."""
    async with store.transaction() as tx:
        return await clock.now(tx)


async def list_keys(store: Store) -> list[Key]:
    """List every key that was ever issued, oldest first."""
    async with store.transaction() as tx:
        return await keys.read_all(tx)


async def read_keys(store: Store, by: Staff, reason: str) -> list[Key]:
    """List every key for staff, who say why."""
    async with store.transaction() as tx:
        await audit.append(tx, event(by, "key.listed", {"reason": reason}))
        return await keys.read_all(tx)


def _needs_approval(scopes: Collection[Scope]) -> bool:
    """Whether a key with these scopes waits for a second person."""
    return not TWO_PERSONS.isdisjoint(scopes)


async def _rotatable(tx: Transaction, key_id: int) -> Key:
    old = await keys.lock(tx, key_id)
    if old is None or old.status(await clock.now(tx)) is not KeyStatus.IN_FORCE:
        raise KeyNotFound(key_id, "in force")
    if await keys.has_successor(tx, key_id):
        raise InvalidRequest(
            f"Another key takes the place of key {key_id} already; rotate or revoke that one."
        )
    return old


def _checked(asked: NewKey, now: datetime) -> NewKey:
    if asked.expires_at is not None:
        lasts = asked.expires_at - now
        if not timedelta(0) < lasts <= _LONGEST_LIFE:
            raise InvalidRequest("A key expires in the future, within 100 years.", "expires_at")
    note = checked_text(asked.note, "note", "A note") if asked.note.strip() else ""
    return replace(asked, platform=platform_name(asked.platform), note=note)


def _issued(key_id: int, key: str, *, pending: bool) -> IssuedKey:
    return IssuedKey(key_id, key, KeyStatus.PENDING if pending else KeyStatus.IN_FORCE)


def _scopes(scopes: Collection[Scope]) -> list[str]:
    return sorted(scope.value for scope in scopes)
