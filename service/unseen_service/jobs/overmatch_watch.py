"""Counts the audit log by the hour, and notices hashes that find far more than others do.

It also records that what lookups found is to be answered, so that a lookup need not.

How often a hash is found says little: a picture that goes viral is found often because it goes
viral. How many different uploads it finds says more: copies of one picture agree in all but a few
of the 16 bits of a sketch, other pictures do not (docs/review.md has the measurements). So
different uploads are counted, without those of the platform that has most of them: no platform
can make a hash suspect by itself.

Uploaders choose what is looked up, so nothing here suspends a hash or narrows what it finds: it is
queued for staff, and marked.
"""

from collections.abc import Sequence
from dataclasses import asdict

from ..models.audit import SERVICE, AuditEvent, AuditKind
from ..models.changes import ChangeKind
from ..models.overmatch import ActivityBaseline, HashActivity
from ..models.review import Cause
from ..store import Store, alerts, audit, changes, obligations, overmatch, review

_ENTRIES_PER_TURN = 1_000
"""Entries of the audit log that one turn counts: this bounds its duration."""

_FAR_MORE = 10
"""How many times the baseline counts as far more."""


class OvermatchDetector:
    """Detects hashes that over-match; of all workers one at a time does the work.

    `floor` is how many different uploads a hash may find in a day, however few others find.
    """

    def __init__(self, store: Store, *, floor: int) -> None:
        self._store = store
        self._floor = floor

    async def scan(self) -> float | None:
        """Count what is new and judge the hashes that it concerns. Return 0 if there is more.

        Raises StoreUnavailable.
        """
        async with self._store.transaction() as tx:
            span = await overmatch.try_claim_turn(tx, _ENTRIES_PER_TURN)
            if span is None or span[0] == span[1]:
                return None
            found = await overmatch.count(tx, after=span[0], upto=span[1])
            if found:
                await changes.lock(tx)
                await obligations.record_matches(tx, after=span[0], upto=span[1])
        await self._judge(found)
        return 0.0 if span[1] - span[0] == _ENTRIES_PER_TURN else None

    async def _judge(self, hash_ids: Sequence[int]) -> None:
        async with self._store.snapshot() as tx:
            finds = _FAR_MORE * self._floor
            often = await overmatch.found_often(tx, hash_ids, uploads=self._floor, finds=finds)
            if not often:
                return
            baseline = await overmatch.usual(tx, [each.hash_id for each in often])
        for cause in Cause.OVER_MATCHING, Cause.OFTEN_FOUND:
            suspects = [each for each in often if cause_of(each, baseline, self._floor) is cause]
            if suspects:
                await self._open_reviews(cause, suspects, baseline)

    async def _open_reviews(
        self, cause: Cause, suspects: Sequence[HashActivity], baseline: ActivityBaseline
    ) -> None:
        """Queue hashes for review; those that over-match are suspect, and staff are alerted."""
        evidence = {each.hash_id: _evidence(each, baseline) for each in suspects}
        async with self._store.transaction() as tx:
            await changes.lock(tx)
            new = await review.suspect(tx, cause, evidence)
            if not new:
                return
            if cause is Cause.OVER_MATCHING:
                await changes.append(tx, ChangeKind.STANDING, list(new))
            hashes = [{"record": str(new[id_]), **evidence[id_]} for id_ in sorted(new)]
            details = {"cause": cause.value, "hashes": hashes}
            await audit.append(tx, AuditEvent(AuditKind.REVIEW_OPENED, SERVICE, None, details))
            if cause is Cause.OVER_MATCHING:
                kind = AuditKind.REVIEW_OPENED.value
                await alerts.insert_for_suspects(tx, kind, cause.value, len(new))


def cause_of(activity: HashActivity, baseline: ActivityBaseline, floor: int) -> Cause | None:
    """Return why a hash's activity in a day is suspicious; None if it is not."""
    many = max(floor, _FAR_MORE * baseline.uploads)
    if activity.shared >= many:
        return Cause.OVER_MATCHING
    if activity.uploads >= many or activity.finds >= _FAR_MORE * max(floor, baseline.finds):
        return Cause.OFTEN_FOUND
    return None


def _evidence(activity: HashActivity, baseline: ActivityBaseline) -> dict[str, int]:
    counts = {name: count for name, count in asdict(activity).items() if name != "hash_id"}
    return {**counts, "usual_uploads": baseline.uploads, "usual_finds": baseline.finds}
