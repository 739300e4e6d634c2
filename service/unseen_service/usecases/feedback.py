"""Feedback of platforms: their opinion of a hash, and that they deleted a withdrawn one.

A platform's word reaches others only if it has met the hash: matched it, or received it. What it
calls not intimate reads as withdrawn in its own answers and feed, whether or not others follow.
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from ..errors import InvalidRequest
from ..models.audit import SERVICE, AuditEvent, AuditKind
from ..models.changes import ChangeKind
from ..models.disputes import DisputeRules
from ..models.feedback import GivenFeedback, Opinion
from ..models.keys import Key
from ..models.review import Cause
from ..store import Store, Transaction, alerts, audit, changes, disputes, feedback, review
from .actors import platform_event
from .chunks import chunks

DEFAULT_RULES = DisputeRules()


async def give_feedback(
    store: Store, key: Key, given: Mapping[UUID, GivenFeedback], rules: DisputeRules = DEFAULT_RULES
) -> int:
    """Record a platform's feedback, by record. Return for how many it is new.

    In chunks: if one fails, those before it are recorded. Repeating it changes nothing. Raises
    InvalidRequest for an unknown record, before anything is recorded.
    """
    async with store.transaction() as tx:
        ids = await _ids(tx, list(given), "feedback")
    new = 0
    for records in chunks(list(given)):
        async with store.transaction() as tx:
            await changes.lock(tx)
            by_id = {ids[record]: given[record] for record in records}
            new += await record_feedback(tx, key, by_id, rules=rules)
    return new


async def record_feedback(
    tx: Transaction,
    key: Key,
    given: Mapping[int, GivenFeedback],
    changed: Iterable[int] = (),
    *,
    rules: DisputeRules = DEFAULT_RULES,
) -> int:
    """Record a platform's feedback, by hash id. Return for how many it is new.

    The caller holds the change log's lock. Hashes about which anyone sees something new move to
    the end of the feed, except those that this transaction has moved already (`changed`). A hash
    that a second platform calls not intimate is queued for review, and suspect.
    """
    begun, ended = await _update_disputes(tx, key, given)
    heard = await _heard(tx, key, given, rules)
    new = await feedback.give(tx, key.platform_id, heard)
    counted = [each for each in new if heard[each].value is Opinion.NOT_INTIMATE]
    await disputes.count(tx, key.platform_id, counted)
    suspect, disputed = await review.dispute(tx, counted)
    records = new | await feedback.records(tx, {*begun, *ended} - new.keys())
    if not records:
        return 0
    own = {*begun, *ended} if await disputes.reads_feed(tx, key.platform_id) else set()
    marked = {*suspect, *disputed}
    active = set(await feedback.active(tx, list({*new, *own}))) - set(changed)
    await changes.append(tx, ChangeKind.STANDING, sorted(active & marked))
    await changes.append(tx, ChangeKind.FEEDBACK, sorted(active - marked))
    details = {
        "feedback": [_summary(records[each], given[each]) for each in sorted(records)],
        "unheard": sorted(str(records[each]) for each in records.keys() - new.keys()),
        "disputed": sorted(map(str, disputed.values())),
    }
    await audit.append(tx, platform_event(key, AuditKind.FEEDBACK_GIVEN, details))
    await _open_reviews(tx, sorted(suspect.values()))
    return len(records)


async def _update_disputes(
    tx: Transaction, key: Key, given: Mapping[int, GivenFeedback]
) -> tuple[list[int], list[int]]:
    """Update what reads as withdrawn to the platform. Return the ids that begin to, and that end.

    Any other value takes a dispute back; tags alone do not.
    """
    disputed = [each for each, said in given.items() if said.value is Opinion.NOT_INTIMATE]
    others = [each for each, said in given.items() if said.value and each not in set(disputed)]
    return (
        await disputes.begin(tx, key.platform_id, disputed),
        await disputes.take_back(tx, key.platform_id, others),
    )


async def _heard(
    tx: Transaction, key: Key, given: Mapping[int, GivenFeedback], rules: DisputeRules
) -> dict[int, GivenFeedback]:
    """Return the feedback that reaches others: on hashes that the platform has met.

    Its own hashes count too, but not against themselves.
    """
    known = await disputes.known(tx, key.platform_id, list(given))
    disputed = {each for each, said in given.items() if said.value is Opinion.NOT_INTIMATE}
    heard = (known.met | known.submitted) - disputed
    counted = set(await disputes.counted(tx, key.platform_id, list(disputed)))
    countable = (known.met & disputed) - counted
    heard |= counted
    if countable and await _may_count(tx, key, len(countable), rules):
        heard |= countable
    return {each: said for each, said in given.items() if each in heard}


async def _may_count(tx: Transaction, key: Key, disputed: int, rules: DisputeRules) -> bool:
    """Return whether a platform's disputes count.

    None of a request does if they are too many, nor of what follows within a day: a request is
    recorded in chunks, and can be sent in parts.
    """
    if await alerts.is_recent(tx, AuditKind.FEEDBACK_BULK.value, key.family_id, hours=24):
        return False
    room = await disputes.room(tx, key.platform_id, rules.wait_days)
    if room.counted + disputed > rules.per_day:
        await _alert_bulk(tx, key, room.counted + disputed)
        return False
    return room.counts


async def _alert_bulk(tx: Transaction, key: Key, disputed: int) -> None:
    """Alert staff to a platform that disputes very many hashes."""
    kind = AuditKind.FEEDBACK_BULK
    details = {"disputes": disputed}
    await alerts.insert(tx, kind.value, key.family_id, details)
    await audit.append(tx, platform_event(key, kind, details))


async def _open_reviews(tx: Transaction, suspect: Sequence[UUID]) -> None:
    """Record that hashes are suspect because two platforms dispute them, and alert staff."""
    if not suspect:
        return
    cause = Cause.NOT_INTIMATE.value
    details = {"cause": cause, "hashes": [{"record": str(each)} for each in suspect]}
    await audit.append(tx, AuditEvent(AuditKind.REVIEW_OPENED, SERVICE, None, details))
    await alerts.insert_for_suspects(tx, AuditKind.REVIEW_OPENED.value, cause, len(suspect))


async def confirm_withdrawals(
    store: Store, key: Key, records: Sequence[UUID]
) -> tuple[list[UUID], list[UUID]]:
    """Record that a platform deleted hashes; repeating it changes nothing.

    Return the records that are withdrawn, which are confirmed, and those that are active (again),
    which the platform should keep. What it disputes itself is withdrawn for it. In chunks, as
    `give_feedback`. Raises InvalidRequest for an unknown record.
    """
    async with store.transaction() as tx:
        ids = await _ids(tx, records, "records")
    confirmed: set[UUID] = set()
    for some in chunks(list(ids)):
        async with store.transaction() as tx:
            await changes.lock(tx)
            hash_ids = [ids[record] for record in some]
            confirmed |= set(await record_deleted(tx, key, hash_ids))
            confirmed |= set((await disputes.in_force(tx, key.platform_id, hash_ids)).values())
    return sorted(confirmed), sorted(set(ids) - confirmed)


async def confirm_known_withdrawals(store: Store, key: Key, records: Sequence[UUID]) -> None:
    """Record that a platform deleted hashes, in chunks; records that are not known are skipped."""
    for some in chunks(list(records)):
        async with store.transaction() as tx:
            await changes.lock(tx)
            ids = await feedback.by_record(tx, some)
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


def _summary(record: UUID, given: GivenFeedback) -> dict[str, str | int | None]:
    # How many tags, not which: they are free text, and the audit log is for ever.
    value = Opinion(given.value).value if given.value else None
    return {"record": str(record), "value": value, "tags": len(given.tags)}
