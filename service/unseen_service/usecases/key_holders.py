"""What the holder of a key does with it: activate it, see what it is, replace it."""

from ..errors import InvalidRequest, NotAuthenticated, ScopeMissing
from ..models.audit import AuditKind
from ..models.keys import IssuedKey, Key, KeyStatus, Scope
from ..store import Store, Transaction, audit, clock, keys
from .actors import holder, key_itself, key_person, staff_event
from .key_approval import BOOTSTRAP
from .keys import active_key, check_new_digest, check_overlap, fingerprint_detail


async def activate_key(store: Store, digest: bytes) -> tuple[Key, KeyStatus]:
    """Record that the holder of a key has used it. Return the key and its status.

    It is active now, or pending if it needs approval. Does nothing if it was used before. Raises
    NotAuthenticated if the key is not registered, expired or revoked.
    """
    async with store.transaction() as tx:
        await keys.lock_all(tx)  # the first two admins may activate theirs at the same moment
        key, status = await _registered(tx, digest)
        if status is not KeyStatus.UNUSED:
            return key, status
        await keys.activate(tx, key.id)
        activated = await keys.approve_bootstrap_peers(tx, key.id, by=BOOTSTRAP)
        key, status = await _registered(tx, digest)
        ends = await keys.end_replaced(tx, key.id) if status is KeyStatus.IN_FORCE else None
        details = {"key": key.id, **fingerprint_detail(digest)}
        details |= {"ends": ends} if ends else {}
        details |= {"active": activated} if activated else {}
        await audit.append(tx, staff_event(key_itself(key), AuditKind.KEY_ACTIVATED, details))
    return key, status


async def replace_own_key(store: Store, old: Key, digest: bytes, *, overlap_s: int) -> IssuedKey:
    """Register the successor of a key by the holder, who made it and has the old one.

    Nobody has to approve it: it can do what the old one could, until when that could. The old key
    ends `overlap_s` seconds after the new one was activated. A successor that is not active yet is
    revoked. Repeating it changes nothing. Raises KeyNotFound, InvalidRequest.
    """
    check_overlap(overlap_s)
    by = holder(old)
    async with store.transaction() as tx:
        await keys.lock_all(tx)
        await active_key(tx, old.id)
        if (repeated := await _own_successor(tx, old, digest)) is not None:
            return repeated
        await check_new_digest(tx, digest)
        dropped = await keys.revoke_waiting_successors(tx, old.id)
        if await keys.has_successor(tx, old.id):
            raise InvalidRequest("Another key replaces this one already; replace that one.")
        new_id = await keys.insert_successor(
            tx,
            old.id,
            digest,
            by=key_person(old),
            overlap_s=overlap_s,
            needs_approval=False,
            made_by_holder=True,
            keeps_expiry=True,
        )
        details = {
            "key": new_id,
            "replaces": old.id,
            "overlap_s": overlap_s,
            "pending": False,
            **fingerprint_detail(digest),
        }
        for each in dropped:
            await audit.append(tx, staff_event(by, AuditKind.KEY_REVOKED, {"key": each}))
        await audit.append(tx, staff_event(by, AuditKind.KEY_ROTATED, details))
    return IssuedKey(new_id, digest, KeyStatus.UNUSED)


async def active_admin(store: Store, digest: bytes) -> Key:
    """Return the active key of a digest that has the scope `admin`, for the command line.

    Raises NotAuthenticated, ScopeMissing.
    """
    async with store.transaction() as tx:
        key, status = await _registered(tx, digest)
    if status is not KeyStatus.IN_FORCE:
        raise NotAuthenticated
    if Scope.ADMIN not in key.scopes:
        raise ScopeMissing(Scope.ADMIN.value)
    return key


async def _own_successor(tx: Transaction, old: Key, digest: bytes) -> IssuedKey | None:
    """Return the unused key that the holder of another has registered with this digest, if any."""
    found = await keys.lock_by_digest(tx, digest)
    if found is None or found.issued_by != key_person(old):
        return None
    is_unused = found.status(await clock.now(tx)) is KeyStatus.UNUSED
    return IssuedKey(found.id, digest, KeyStatus.UNUSED) if is_unused else None


async def _registered(tx: Transaction, digest: bytes) -> tuple[Key, KeyStatus]:
    key = await keys.lock_by_digest(tx, digest)
    status = key.status(await clock.now(tx)) if key else None
    if key is None or status is None or status in (KeyStatus.EXPIRED, KeyStatus.REVOKED):
        raise NotAuthenticated
    return key, status
