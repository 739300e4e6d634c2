"""What the StopNCII protocol lets a platform send: hashes of its own, feedback by hash."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from ..models.audit import AuditEvent
from ..models.changes import ChangeKind
from ..models.feedback import GivenFeedback
from ..models.keys import Key
from ..store import Store, Transaction, audit, changes, feedback, platform_bank
from .feedback import let_go, take


async def submit(store: Store, key: Key, submitted: Mapping[bytes, GivenFeedback]) -> None:
    """Put hashes into the platform's bank, with what it says of them; again changes nothing."""
    async with store.transaction() as tx:
        await changes.lock(tx)
        added, activated = await platform_bank.add(tx, key.platform_id, list(submitted))
        await changes.append(tx, ChangeKind.ADD, activated)
        ids = await feedback.by_pdq(tx, submitted)
        await take(tx, key, {ids[pdq]: said for pdq, said in submitted.items()}, activated)
        if added:
            details = {"key": key.id, "hashes": added, "activated": len(activated)}
            await audit.append(tx, _event("bank.submitted", key, details))


async def give(
    store: Store,
    key: Key,
    said: Mapping[bytes, GivenFeedback],
    gone: AbstractSet[bytes],
    taken_back: AbstractSet[bytes],
) -> None:
    """Take feedback by hash, that the platform holds some (`gone`) no more, or takes some back.

    A hash that is not kept is passed over, and nobody is told: an answer that differed would
    say which hashes are.
    """
    async with store.transaction() as tx:
        await changes.lock(tx)
        ids = await feedback.by_pdq(tx, {*said, *gone})
        await _leave(tx, key, [ids[pdq] for pdq in taken_back if pdq in ids])
        await take(tx, key, {ids[pdq]: each for pdq, each in said.items() if pdq in ids})
        await let_go(tx, key, [ids[pdq] for pdq in gone if pdq in ids])


async def _leave(tx: Transaction, key: Key, hash_ids: Sequence[int]) -> None:
    """Take hashes out of the platform's own bank; those that are others' stay as they are."""
    held, deactivated = await platform_bank.withdraw(tx, key.platform_id, hash_ids)
    await changes.append(tx, ChangeKind.REMOVE, deactivated)
    if held:
        details = {"key": key.id, "hashes": held, "deactivated": len(deactivated)}
        await audit.append(tx, _event("bank.withdrawn", key, details))


def _event(kind: str, key: Key, details: dict[str, int]) -> AuditEvent:
    return AuditEvent(kind, f"platform:{key.platform}", None, details)
