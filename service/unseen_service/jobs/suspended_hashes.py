"""Brings back hashes that version 0.1 suspended without a decision of staff.

That version suspended a hash when two platforms disputed it or when it over-matched, both of which
strangers could bring about. A migration cannot bring these hashes back: no entry of the
audit log would explain it, and a worker of that version may still be running and suspend more.
"""

from ..models.audit import SERVICE, AuditEvent, AuditKind
from ..models.changes import ChangeKind
from ..store import Store, audit, changes, review

_PER_TURN = 1_000


class SuspendedHashes:
    """Gives suspended hashes their standing back; they stay in the queue, as suspect."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def resume(self) -> float | None:
        """Bring back what there is. Return 0 if there may be more. Raises StoreUnavailable."""
        async with self._store.snapshot() as tx:
            if not await review.has_suspended(tx):
                return None
        async with self._store.transaction() as tx:
            await changes.lock(tx)
            records, active = await review.resume_suspended(tx, _PER_TURN)
            if not records:
                return None
            await changes.append(tx, ChangeKind.STANDING, active)
            details = {"records": sorted(map(str, records))}
            await audit.append(tx, AuditEvent(AuditKind.REVIEW_RESUMED, SERVICE, None, details))
        return 0.0
