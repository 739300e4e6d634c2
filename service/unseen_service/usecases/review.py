"""The review queue: read and decided by staff."""

from uuid import UUID

from ..errors import ReviewChanged, ReviewNotFound
from ..models.audit import AuditKind, Staff
from ..models.changes import ChangeKind
from ..models.hashes import Standing
from ..models.review import Decision, Review, Reviewed
from ..store import Store, activation, audit, changes, review
from .actors import staff_event


async def read_reviews(
    store: Store, by: Staff, reason: str, *, decided: bool, limit: int
) -> tuple[list[Review], int]:
    """Return open or decided reviews, and how many are open; the audit log records the read."""
    details = {"reason": reason, "decided": decided, "limit": limit}
    async with store.transaction() as tx:
        await audit.append(tx, staff_event(by, AuditKind.REVIEW_LISTED, details))
    async with store.snapshot() as tx:
        found = await review.read(tx, decided=decided, limit=limit)
        return found, await review.count_open(tx)


async def decide(
    store: Store,
    by: Staff,
    reason: str,
    record: UUID,
    *,
    decision: Decision,
    instead_of: Decision | None,
) -> Standing:
    """Decide a review, or change a decision. Return the hash's standing.

    `instead_of` is the decision that the caller saw before, None if there was none. Raises
    ReviewNotFound, and ReviewChanged if another decision came first.
    """
    async with store.transaction() as tx:
        await changes.lock(tx)
        found = await review.lock(tx, record)
        if found is None:
            raise ReviewNotFound
        if found.decision is not instead_of:
            raise ReviewChanged(found.decision and found.decision.value)
        standing, active = _outcome(found, decision)
        await review.settle(tx, found, decision, standing, active=active, by=by.actor, why=reason)
        if found.active or active:
            await changes.append(tx, _change(found, active=active), [found.hash_id])
        if found.decision is Decision.REMOVE and decision is not Decision.REMOVE:
            released = await activation.release_near(tx, found.hash_id)
            await changes.append(tx, ChangeKind.ADD, released)
        details = {
            "record": str(record),
            "decision": decision.value,
            "instead_of": instead_of.value if instead_of else None,
            "reason": reason,
        }
        await audit.append(tx, staff_event(by, AuditKind.REVIEW_DECIDED, details))
    return standing


def _outcome(found: Reviewed, decision: Decision) -> tuple[Standing, bool]:
    """Return the effect of a decision on a hash: its standing, and whether it is active."""
    if decision is Decision.REMOVE:
        return Standing.QUARANTINED, False
    return (Standing.CONFIRMED if decision is Decision.KEEP else found.before), found.held


def _change(found: Reviewed, *, active: bool) -> ChangeKind:
    if found.active and active:
        return ChangeKind.STANDING
    return ChangeKind.ADD if active else ChangeKind.REMOVE
