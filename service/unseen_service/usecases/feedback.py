"""Feedback of platforms: their opinion of a hash, and that they deleted a withdrawn one."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from ..errors import InvalidRequest
from ..models.audit import AuditKind
from ..models.changes import ChangeKind
from ..models.feedback import GivenFeedback, Opinion
from ..models.hashes import Standing
from ..models.keys import Key
from ..store import Store, Transaction, audit, changes, feedback, review
from .actors import platform_event


async def give_feedback(store: Store, key: Key, given: Mapping[UUID, GivenFeedback]) -> int:
    """Record a platform's feedback, by record, all or nothing. Return for how many it is new.

    Repeating it changes nothing. Raises InvalidRequest for an unknown record.
    """
    async with store.transaction() as tx:
        await changes.lock(tx)
        ids = await _ids(tx, list(given), "feedback")
        return await record_feedback(tx, key, {ids[record]: each for record, each in given.items()})


async def record_feedback(
    tx: Transaction, key: Key, given: Mapping[int, GivenFeedback], changed: Iterable[int] = ()
) -> int:
    """Record a platform's feedback, by hash id. Return for how many it is new.

    The caller holds the change log's lock. The hashes move to the end of the feed, so that
    mirrors see the feedback, except those that this transaction has moved already (`changed`).
    A hash that a second platform calls not intimate is suspended and queued for review.
    """
    new = await feedback.give(tx, key.platform_id, given)
    if not new:
        return 0
    disputed = await review.dispute(tx, list(new))
    others = set(await feedback.active(tx, list(new))) - {*disputed, *changed}
    await changes.append(tx, ChangeKind.STANDING, list(disputed))
    await changes.append(tx, ChangeKind.FEEDBACK, list(others))
    details = {
        "feedback": [_summary(record, given[hash_id]) for hash_id, record in new.items()],
        "disputed": _records(new, disputed, Standing.DISPUTED),
        "quarantined": _records(new, disputed, Standing.QUARANTINED),
    }
    await audit.append(tx, platform_event(key, AuditKind.FEEDBACK_GIVEN, details))
    return len(new)


async def confirm_withdrawals(
    store: Store, key: Key, records: Sequence[UUID]
) -> tuple[list[UUID], list[UUID]]:
    """Record that a platform deleted hashes; repeating it changes nothing.

    Return the records that are withdrawn, which are confirmed, and those that are active (again),
    which the platform should keep. Raises InvalidRequest for an unknown record.
    """
    async with store.transaction() as tx:
        await changes.lock(tx)
        ids = await _ids(tx, records, "records")
        confirmed = await record_deleted(tx, key, list(ids.values()))
    return confirmed, sorted(set(ids) - set(confirmed))


async def confirm_known_withdrawals(store: Store, key: Key, records: Sequence[UUID]) -> None:
    """Record that a platform deleted hashes; records that are not known are skipped."""
    async with store.transaction() as tx:
        await changes.lock(tx)
        ids = await feedback.by_record(tx, records)
        await record_deleted(tx, key, list(ids.values()))


async def record_deleted(tx: Transaction, key: Key, hash_ids: Sequence[int]) -> list[UUID]:
    """Record that a platform deleted hashes, by id. Return the records that are withdrawn."""
    confirmed, new = await feedback.confirm(tx, key.platform_id, hash_ids)
    if new:
        details = {"records": [str(record) for record in new]}
        await audit.append(tx, platform_event(key, AuditKind.WITHDRAWAL_CONFIRMED, details))
    return confirmed


async def _ids(tx: Transaction, records: Sequence[UUID], field: str) -> dict[UUID, int]:
    ids = await feedback.by_record(tx, records)
    for index, record in enumerate(records):
        if record not in ids:
            raise InvalidRequest("There is no such record.", f"{field}.{index}")
    return ids


def _records(
    new: Mapping[int, UUID], disputed: Mapping[int, Standing], standing: Standing
) -> list[str]:
    return sorted(str(new[hash_id]) for hash_id, now in disputed.items() if now is standing)


def _summary(record: UUID, given: GivenFeedback) -> dict[str, str | int | None]:
    # How many tags, not which: they are free text, and the audit log is for ever.
    value = Opinion(given.value).value if given.value else None
    return {"record": str(record), "value": value, "tags": len(given.tags)}
