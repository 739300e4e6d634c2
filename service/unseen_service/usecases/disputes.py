"""Disputes, read and decided by staff: many of one platform at once."""

from ..models.audit import AuditKind, Staff
from ..models.changes import ChangeKind
from ..models.disputes import PlatformDisputes
from ..models.review import Decision
from ..store import Store, audit, changes, disputes, feedback, review
from .actors import staff_event


async def read_disputes(store: Store, by: Staff, reason: str, limit: int) -> list[PlatformDisputes]:
    """Return how much each platform disputes, most first; the audit log records the read."""
    async with store.transaction() as tx:
        await audit.append(tx, staff_event(by, AuditKind.DISPUTES_LISTED, {"reason": reason}))
    async with store.snapshot() as tx:
        return await disputes.by_platform(tx, limit)


async def decide_disputes(
    store: Store, by: Staff, reason: str, platform: str, *, decision: Decision, limit: int
) -> int:
    """Decide about the hashes that a platform disputes, oldest dispute first, at most `limit`.

    Return how many that were. The hashes are matched for the platform too, and their reviews are
    decided. A removal is never decided in bulk.
    """
    async with store.transaction() as tx:
        await changes.lock(tx)
        found = await disputes.oldest(tx, platform, limit)
        if not found:
            return 0
        ids = list(found)
        await review.settle_disputed(tx, ids, decision, by=by.actor, why=reason)
        await disputes.end(tx, ids)
        await changes.append(tx, ChangeKind.STANDING, await feedback.active(tx, ids))
        details = {
            "platform": platform,
            "decision": decision.value,
            "records": sorted(map(str, found.values())),
            "reason": reason,
        }
        await audit.append(tx, staff_event(by, AuditKind.DISPUTES_DECIDED, details))
    return len(found)
