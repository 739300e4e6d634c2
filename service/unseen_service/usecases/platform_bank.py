"""What the StopNCII protocol lets a platform send: hashes of its own, and feedback by hash."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from ..models.audit import AuditKind
from ..models.feedback import GivenFeedback
from ..models.keys import Key
from ..store import Store, Transaction, activation, audit, changes, hashes, platform_bank
from .actors import platform_event
from .admission import Admission
from .chunks import chunks
from .feedback import record_deleted, record_feedback


async def submit_hashes(
    store: Store, key: Key, submitted: Mapping[bytes, GivenFeedback], admission: Admission
) -> None:
    """Add hashes (32 bytes each) to the platform's bank, with its feedback on them.

    In chunks: if one fails, those before it are stored. Repeating it changes nothing. Raises Busy
    if others hold the change log's lock for too long.
    """
    for pdqs in chunks(list(submitted)):
        async with store.transaction() as tx:
            await changes.lock(tx)
            await _submit(tx, key, {pdq: submitted[pdq] for pdq in pdqs}, admission)


async def _submit(
    tx: Transaction, key: Key, submitted: Mapping[bytes, GivenFeedback], admission: Admission
) -> None:
    ids = await hashes.add(tx, list(submitted))
    added = await platform_bank.add(tx, key.platform_id, list(ids.values()))
    await admission.bar_near_removed(tx, ids)
    await activation.publish(tx, whole=added, crops=())
    activated = await activation.activate(tx, added)
    await changes.append_submitted(tx, added, activated)
    given = {ids[pdq]: each for pdq, each in submitted.items()}
    await record_feedback(tx, key, given, added)
    if added:
        details = {"hashes": len(added), "activated": len(activated)}
        await audit.append(tx, platform_event(key, AuditKind.BANK_SUBMITTED, details))


async def give_feedback_by_hash(
    store: Store,
    key: Key,
    given: Mapping[bytes, GivenFeedback],
    deleted: AbstractSet[bytes],
    withdrawn: AbstractSet[bytes],
) -> None:
    """Record feedback by hash, that the platform `deleted` some, and `withdrawn` some of its own.

    A hash that is not stored is skipped without a word: a different answer would reveal which
    hashes are. In chunks, as `submit_hashes`.
    """
    for pdqs in chunks([*given, *(deleted - given.keys())]):
        async with store.transaction() as tx:
            await changes.lock(tx)
            ids = await hashes.find(tx, pdqs)
            await _withdraw(tx, key, [ids[pdq] for pdq in pdqs if pdq in withdrawn and pdq in ids])
            await record_feedback(
                tx, key, {ids[p]: given[p] for p in pdqs if p in given and p in ids}
            )
            await record_deleted(
                tx, key, [ids[pdq] for pdq in pdqs if pdq in deleted and pdq in ids]
            )


async def _withdraw(tx: Transaction, key: Key, hash_ids: Sequence[int]) -> None:
    """Withdraw hashes from the platform's own bank; those of others stay."""
    held = await platform_bank.withdraw(tx, key.platform_id, hash_ids)
    deactivated = await activation.deactivate(tx, held)
    unpublished = await activation.unpublish(tx, held)
    await changes.append_withdrawn(tx, held, deactivated, unpublished)
    if held:
        details = {"hashes": len(held), "deactivated": len(deactivated)}
        await audit.append(tx, platform_event(key, AuditKind.BANK_WITHDRAWN, details))
