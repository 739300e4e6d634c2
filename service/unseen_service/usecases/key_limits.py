"""Limits of keys, and pauses: changed by the operator."""

from ..errors import KeyNotFound
from ..models.audit import Staff
from ..store import Store, Transaction, audit, key_limits
from .actors import OPERATOR, checked_text, event


async def limit_key(
    store: Store,
    key_id: int,
    by: Staff = OPERATOR,
    *,
    requests: int | None = None,
    hashes: int | None = None,
    coarse: bool | None = None,
) -> None:
    """Change what a key, and those rotated from it, may ask; None leaves a limit as it is."""
    async with store.transaction() as tx:
        line = await _line(tx, key_id)
        await key_limits.change(tx, line, requests=requests, hashes=hashes, coarse=coarse)
        changed = {"requests": requests, "hashes": hashes, "coarse": coarse}
        told = {name: value for name, value in changed.items() if value is not None}
        await audit.append(tx, event(by, "key.limited", {"key": key_id, **told}))


async def pause_key(store: Store, key_id: int, reason: str, by: Staff = OPERATOR) -> None:
    """Pause a key and those of its line, in force on every worker within a second."""
    reason = checked_text(reason, "--reason", "A reason")
    async with store.transaction() as tx:
        if await key_limits.pause(tx, await _line(tx, key_id)):
            details = {"key": key_id, "reason": reason}
            await audit.append(tx, event(by, "key.paused", details))


async def resume_key(store: Store, key_id: int, reason: str, by: Staff = OPERATOR) -> None:
    """End a pause; raises KeyNotFound where there is none."""
    reason = checked_text(reason, "--reason", "A reason")
    async with store.transaction() as tx:
        if not await key_limits.resume(tx, await _line(tx, key_id)):
            raise KeyNotFound(key_id, "is paused")
        details = {"key": key_id, "reason": reason}
        await audit.append(tx, event(by, "key.resumed", details))


async def _line(tx: Transaction, key_id: int) -> int:
    line = await key_limits.line_of(tx, key_id)
    if line is None:
        raise KeyNotFound(key_id, "is known")
    return line
