"""The review queue: read and decided by staff.

A removal means that nobody matches a hash any longer, and to bring it back may expose someone:
either takes two persons. The first one proposes it, and nothing changes until the second confirms.
A proposal counts as long as the first one is an admin.
"""

from uuid import UUID

from ..errors import IndependentPersonNeeded, ReviewChanged, ReviewNotFound
from ..models.audit import AuditKind, Staff
from ..models.changes import ChangeKind
from ..models.hashes import Standing
from ..models.review import Decided, Decision, Proposal, Review, Reviewed
from ..store import (
    Store,
    Transaction,
    activation,
    audit,
    changes,
    clock,
    disputes,
    keys,
    review,
)
from .actors import staff_event
from .key_independence import is_admin, removal_obstacle


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
) -> Decided:
    """Decide a review, or change a decision; propose it, if that takes two persons.

    `instead_of` is the decision that the caller saw before, None if there was none. Raises
    ReviewNotFound, ReviewChanged if another decision came first, and IndependentPersonNeeded.
    """
    async with store.transaction() as tx:
        await changes.lock(tx)
        found = await review.lock(tx, record)
        if found is None:
            raise ReviewNotFound
        if found.decision is not instead_of:
            raise ReviewChanged(found.decision and found.decision.value)
        details = {
            "record": str(record),
            "decision": decision.value,
            "instead_of": instead_of.value if instead_of else None,
            "reason": reason,
        }
        first = found.proposal
        if _takes_two(found, decision):
            if first is None or first.decision is not decision or not await _counts(tx, first):
                await review.propose(tx, found, decision, by, reason)
                await audit.append(tx, staff_event(by, AuditKind.REVIEW_PROPOSED, details))
                return Decided(found.standing, final=False)
            if by.person == first.person:
                return Decided(found.standing, final=False)
            await _check_independent(tx, first, by)
            details["proposed_by"] = first.by
        standing = await _settle(tx, found, decision, by, reason)
        await audit.append(tx, staff_event(by, AuditKind.REVIEW_DECIDED, details))
    return Decided(standing, final=True)


async def _settle(
    tx: Transaction, found: Reviewed, decision: Decision, by: Staff, reason: str
) -> Standing:
    standing, active = _outcome(found, decision)
    await review.settle(tx, found, decision, standing, active=active, by=by.actor, why=reason)
    await disputes.end(tx, [found.hash_id])
    if found.active or active:
        await changes.append(tx, _change(found, active=active), [found.hash_id])
    if found.decision is Decision.REMOVE and decision is not Decision.REMOVE:
        await changes.append(tx, ChangeKind.ADD, await activation.release_near(tx, found.hash_id))
    return standing


def _takes_two(found: Reviewed, decision: Decision) -> bool:
    """Return whether a decision removes a hash, or brings back one that was removed."""
    return decision is not found.decision and Decision.REMOVE in (decision, found.decision)


async def _counts(tx: Transaction, first: Proposal) -> bool:
    return is_admin(first.person, await keys.read_all(tx), await clock.now(tx))


async def _check_independent(tx: Transaction, first: Proposal, second: Staff) -> None:
    """Raise IndependentPersonNeeded if one person may hold both keys, as far as can be known."""
    if (why := removal_obstacle(first, second, await keys.read_all(tx))) is not None:
        raise IndependentPersonNeeded(why)


def _outcome(found: Reviewed, decision: Decision) -> tuple[Standing, bool]:
    """Return the effect of a decision on a hash: its standing, and whether it is active."""
    if decision is Decision.REMOVE:
        return Standing.QUARANTINED, False
    return (Standing.CONFIRMED if decision is Decision.KEEP else found.before), found.held


def _change(found: Reviewed, *, active: bool) -> ChangeKind:
    if found.active and active:
        return ChangeKind.STANDING
    return ChangeKind.ADD if active else ChangeKind.REMOVE
