"""Limits of keys, and pauses: changed by the operator."""

from ..errors import KeyNotFound
from ..models.audit import AuditKind, Staff
from ..store import Store, Transaction, audit, key_limits
from .actors import OPERATOR, checked_text, staff_event


async def limit_key(
    store: Store,
    key_id: int,
    by: Staff = OPERATOR,
    *,
    requests: int | None = None,
    hashes: int | None = None,
    coarse: bool | None = None,
) -> None:
    """Change the limits of a key's family; None leaves one unchanged. Raises KeyNotFound."""
    async with store.transaction() as tx:
        family_id = await _family(tx, key_id)
        await key_limits.change(tx, family_id, requests=requests, hashes=hashes, coarse=coarse)
        limits = {"requests": requests, "hashes": hashes, "coarse": coarse}
        changed = {name: value for name, value in limits.items() if value is not None}
        details = {"key": key_id, **changed}
        await audit.append(tx, staff_event(by, AuditKind.KEY_LIMITED, details))


async def pause_key(store: Store, key_id: int, reason: str, by: Staff = OPERATOR) -> None:
    """Pause a key's family, on every worker within a second. Raises KeyNotFound."""
    reason = checked_text(reason, "--reason", "A reason")
    async with store.transaction() as tx:
        if await key_limits.pause(tx, await _family(tx, key_id)):
            details = {"key": key_id, "reason": reason}
            await audit.append(tx, staff_event(by, AuditKind.KEY_PAUSED, details))


async def resume_key(store: Store, key_id: int, reason: str, by: Staff = OPERATOR) -> None:
    """End the pause of a key's family. Raises KeyNotFound if it is not paused."""
    reason = checked_text(reason, "--reason", "A reason")
    async with store.transaction() as tx:
        if not await key_limits.resume(tx, await _family(tx, key_id)):
            raise KeyNotFound(key_id, "is not paused")
        details = {"key": key_id, "reason": reason}
        await audit.append(tx, staff_event(by, AuditKind.KEY_RESUMED, details))


async def _family(tx: Transaction, key_id: int) -> int:
    family_id = await key_limits.family_of(tx, key_id)
    if family_id is None:
        raise KeyNotFound(key_id, "does not exist")
    return family_id
