"""What platforms say back: of a hash that they were told of, or that they let go of one."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from ..errors import InvalidRequest
from ..models.audit import AuditEvent
from ..models.changes import ChangeKind
from ..models.feedback import GivenFeedback, Opinion
from ..models.hashes import Standing
from ..models.keys import Key
from ..store import Store, Transaction, audit, changes, feedback, review


async def give(store: Store, key: Key, said: Mapping[UUID, GivenFeedback]) -> int:
    """Take what a platform says of hashes, by record; answer of how many that is new.

    All of it or nothing; saying the same again changes nothing. Raises InvalidRequest for a
    record that there is not.
    """
    async with store.transaction() as tx:
        await changes.lock(tx)
        ids = await _known(tx, list(said), "feedback")
        return await take(tx, key, {ids[record]: each for record, each in said.items()})


async def take(
    tx: Transaction, key: Key, said: Mapping[int, GivenFeedback], told: Iterable[int] = ()
) -> int:
    """Take what a platform says of hashes, by id; the caller holds the change log's lock.

    The hashes move to the end of the feed, so that who mirrors them learns of it; but for
    those that this transaction has put there already (`told`). What a second platform calls not
    intimate is out of reach from here on, and in the staff's queue.
    """
    new = await feedback.give(tx, key.platform_id, said)
    if not new:
        return 0
    disputed = await review.dispute(tx, list(new))
    others = set(await feedback.active(tx, list(new))) - {*disputed, *told}
    await changes.append(tx, ChangeKind.STANDING, list(disputed))
    await changes.append(tx, ChangeKind.FEEDBACK, list(others))
    details = {
        "key": key.id,
        "feedback": [_said(record, said[hash_id]) for hash_id, record in new.items()],
        "disputed": _records(new, disputed, Standing.DISPUTED),
        "quarantined": _records(new, disputed, Standing.QUARANTINED),
    }
    await audit.append(tx, AuditEvent("feedback.given", _actor(key), None, details))
    return len(new)


async def confirm_withdrawals(
    store: Store, key: Key, records: Sequence[UUID]
) -> tuple[list[UUID], list[UUID]]:
    """Take it that a platform let go of hashes; again changes nothing.

    Answers the records that are withdrawn, so confirmed, and those that are active (again):
    these are to be kept. Raises InvalidRequest for a record that there is not.
    """
    async with store.transaction() as tx:
        await changes.lock(tx)
        ids = await _known(tx, records, "records")
        confirmed = await let_go(tx, key, list(ids.values()))
    return confirmed, sorted(set(ids) - set(confirmed))


async def let_go(tx: Transaction, key: Key, hash_ids: Sequence[int]) -> list[UUID]:
    """Take it that a platform let go of hashes, by id; answer which of them are withdrawn."""
    confirmed, new = await feedback.confirm(tx, key.platform_id, hash_ids)
    if new:
        details = {"key": key.id, "records": [str(record) for record in new]}
        await audit.append(tx, AuditEvent("withdrawal.confirmed", _actor(key), None, details))
    return confirmed


async def _known(tx: Transaction, records: Sequence[UUID], field: str) -> dict[UUID, int]:
    ids = await feedback.by_record(tx, records)
    for place, record in enumerate(records):
        if record not in ids:
            raise InvalidRequest("There is no such record.", f"{field}.{place}")
    return ids


def _records(
    new: Mapping[int, UUID], disputed: Mapping[int, Standing], standing: Standing
) -> list[str]:
    return sorted(str(new[hash_id]) for hash_id, now in disputed.items() if now is standing)


def _said(record: UUID, given: GivenFeedback) -> dict[str, str | int | None]:
    # How many tags, not which: they are free text, and the audit log is for ever.
    value = Opinion(given.value).value if given.value else None
    return {"record": str(record), "value": value, "tags": len(given.tags)}


def _actor(key: Key) -> str:
    return f"platform:{key.platform}"
