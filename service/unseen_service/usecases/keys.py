"""Keys: issue, replace, revoke, list; what holders and approvers do is in modules of its own."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from .. import credentials
from ..errors import InvalidRequest, KeyNotFound, SecondPersonNeeded
from ..models.audit import AuditKind, Staff
from ..models.keys import IssuedKey, Key, KeyStatus, NewKey, Scope, needs_approval
from ..store import Store, Transaction, audit, clock, keys
from .actors import OPERATOR, checked_text, is_key_person, platform_name, staff_event

MAX_OVERLAP_S = 90 * 24 * 3600
_MAX_LIFETIME = timedelta(days=36_525)

_DIGEST_NEEDED = (
    "A key for {} is made by its holder, so that nobody else knows it: they run 'unseen key new', "
    "or use the staff page, and tell you its digest. Give that as the digest."
)
_ADMIN_NEEDED = (
    "A key for {} is issued and approved by two admins, each with a key of their own: "
    "on the staff page, with POST /v1/keys, or with --key-file on the command line. "
    "'unseen-service keys bootstrap' creates the first two."
)


async def issue_key(store: Store, new: NewKey, by: Staff = OPERATOR) -> IssuedKey:
    """Issue a key to a platform, which is added if new.

    With a digest, the holder has to activate it first. A key with sensitive scopes needs one, an
    admin who issues it and another who approves it. Raises InvalidRequest, SecondPersonNeeded.
    """
    _check_issuer(new.scopes, new.digest, by)
    async with store.transaction() as tx:
        await keys.lock_all(tx)
        new = checked_key(new, await clock.now(tx))
        issued, details = await insert_key(tx, new, by)
        await audit.append(tx, staff_event(by, AuditKind.KEY_ISSUED, details))
    return issued


async def insert_key(tx: Transaction, new: NewKey, by: Staff) -> tuple[IssuedKey, dict[str, Any]]:
    """Insert a checked key. Return it, and the details that its audit entry has.

    Raises InvalidRequest if a platform's name looks like another, or the digest is known already.
    """
    secret, digest = await _secret_and_digest(tx, new.digest)
    pending = needs_approval(new.scopes)
    if (other := await keys.platform_like(tx, new.platform)) is not None:
        raise InvalidRequest(f"There is a platform '{other}': did you mean that one?", "platform")
    platform_id, key_id = await keys.insert(tx, new, digest, by=by.person, needs_approval=pending)
    details: dict[str, Any] = {
        "key": key_id,
        "platform": platform_id,
        "scopes": _values(new.scopes),
        "note": new.note,
        "pending": pending,
        "expires": new.expires_at.isoformat() if new.expires_at else None,
        **fingerprint_detail(new.digest),
    }
    return _issued(key_id, digest, secret, pending=pending), details


async def rotate_key(
    store: Store,
    key_id: int,
    by: Staff = OPERATOR,
    *,
    overlap_s: int,
    digest: bytes | None = None,
) -> IssuedKey:
    """Issue a key that replaces an active one, as someone other than its holder.

    A key with sensitive scopes needs a digest and another admin's approval, like a new one. Both
    keys are active for `overlap_s` seconds, counted from when the new one is active. Raises
    KeyNotFound, InvalidRequest, SecondPersonNeeded.
    """
    check_overlap(overlap_s)
    async with store.transaction() as tx:
        await keys.lock_all(tx)
        old = await active_key(tx, key_id)
        if await keys.has_successor(tx, key_id):
            raise InvalidRequest(
                f"Another key replaces key {key_id} already; rotate or revoke that one."
            )
        _check_issuer(old.scopes, digest, by)
        secret, new_digest = await _secret_and_digest(tx, digest)
        pending = needs_approval(old.scopes)
        new_id = await keys.insert_successor(
            tx,
            key_id,
            new_digest,
            by=by.person,
            overlap_s=overlap_s,
            needs_approval=pending,
            made_by_holder=digest is not None,
        )
        if not pending and digest is None:
            await keys.end_replaced(tx, new_id)
        details = {
            "key": new_id,
            "replaces": key_id,
            "overlap_s": overlap_s,
            "pending": pending,
            **fingerprint_detail(digest),
        }
        await audit.append(tx, staff_event(by, AuditKind.KEY_ROTATED, details))
    return _issued(new_id, new_digest, secret, pending=pending)


async def revoke_key(store: Store, key_id: int, by: Staff = OPERATOR) -> None:
    """Revoke a key on every worker, for good. Raises KeyNotFound if it is revoked already."""
    async with store.transaction() as tx:
        await keys.lock_all(tx)
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


def read_digest(text: str, at: str = "digest") -> bytes:
    """Parse the digest of a key (32 bytes). Raises InvalidRequest, which does not repeat it."""
    digest = credentials.read_key_digest(text)
    if digest is None:
        raise InvalidRequest(
            "This is no digest of a key, which looks like sha256:… with 64 hexadecimal digits; "
            "'unseen key new' prints it. If it is the key itself, its holder has to make another.",
            at,
        )
    return digest


def check_overlap(overlap_s: int) -> None:
    """Raise InvalidRequest unless two keys may overlap for this long."""
    if not 0 <= overlap_s <= MAX_OVERLAP_S:
        raise InvalidRequest("An overlap lasts 0 seconds to 90 days.", "overlap_s")


async def check_new_digest(tx: Transaction, digest: bytes) -> None:
    """Raise InvalidRequest if a key with this digest was ever registered."""
    if await keys.has_digest(tx, digest):
        raise InvalidRequest(
            "A key with this digest was registered already: its holder has to make another.",
            "digest",
        )


async def active_key(tx: Transaction, key_id: int) -> Key:
    """Read and lock an active key. Raises KeyNotFound."""
    key = await keys.lock(tx, key_id)
    if key is None or key.status(await clock.now(tx)) is not KeyStatus.IN_FORCE:
        raise KeyNotFound(key_id, "is not active")
    return key


def checked_key(new: NewKey, now: datetime) -> NewKey:
    """Return a key to issue with its texts as they are stored. Raises InvalidRequest."""
    if new.expires_at is not None:
        lifetime = new.expires_at - now
        if not timedelta(0) < lifetime <= _MAX_LIFETIME:
            raise InvalidRequest("A key expires in the future, within 100 years.", "expires_at")
    note = checked_text(new.note, "note", "A note") if new.note.strip() else ""
    return replace(new, platform=platform_name(new.platform), note=note)


def fingerprint_detail(digest: bytes | None) -> dict[str, str]:
    """Return the detail of audit entries about a key that its holder made; none for others."""
    return {"fingerprint": credentials.key_fingerprint(digest)} if digest else {}


def _check_issuer(scopes: Collection[Scope], digest: bytes | None, by: Staff) -> None:
    """Raise if a key with these scopes needs a digest, or an issuer who is known by a key."""
    if not needs_approval(scopes):
        return
    named = " and ".join(_values([scope for scope in scopes if needs_approval([scope])]))
    if digest is None:
        raise InvalidRequest(_DIGEST_NEEDED.format(named), "digest")
    if not is_key_person(by.person):
        raise SecondPersonNeeded(_ADMIN_NEEDED.format(named))


async def _secret_and_digest(tx: Transaction, digest: bytes | None) -> tuple[str | None, bytes]:
    """Return a new secret and its digest; no secret if the holder made it."""
    if digest is None:
        secret = credentials.new_key()
        return secret, credentials.key_digest(secret)
    await check_new_digest(tx, digest)
    return None, digest


def _issued(key_id: int, digest: bytes, secret: str | None, *, pending: bool) -> IssuedKey:
    if secret is None:
        return IssuedKey(key_id, digest, KeyStatus.UNUSED)
    return IssuedKey(key_id, digest, KeyStatus.PENDING if pending else KeyStatus.IN_FORCE, secret)


def _values(scopes: Collection[Scope]) -> list[str]:
    return sorted(scope.value for scope in scopes)
