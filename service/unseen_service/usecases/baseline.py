"""State that no entry explains by itself: vouched for as it is found, in `log.baseline` entries.

That is the state from before entries committed to it, found by the first start after an upgrade,
and what workers of an older version change until they are replaced. Such entries vouch for the
state from there on; they prove nothing about how it came about.
"""

from ..models.audit import SERVICE, AuditEvent, AuditKind
from ..store import Store, Transaction, audit, state


async def vouch(store: Store) -> None:
    """Append what is due. Raises StoreUnavailable; then the rest is due still."""
    while await _is_due(store):
        async with store.transaction() as tx:
            await _vouch_once(tx)


async def _is_due(store: Store) -> bool:
    async with store.transaction() as tx:
        return await state.has_unvouched(tx)


async def _vouch_once(tx: Transaction) -> None:
    # Under the lock, so that no entry about a later state of an object can come before this one.
    head = await audit.lock(tx)
    part, claimed = await state.vouch_for_baseline(tx) or await state.vouch_for_older(tx)
    if claimed is None:
        return
    details = {**part, "objects": claimed.objects}
    event = AuditEvent(AuditKind.LOG_BASELINE, SERVICE, None, details)
    await audit.append_claimed(tx, event, head, claimed)
