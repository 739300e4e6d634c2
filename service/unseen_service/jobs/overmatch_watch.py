"""Counts the audit log by the hour, and notices hashes that find far more than others do.

What was found is owed an answer from here on, too: so that a look-up need not write it down.

How often a hash is found says little: a picture that goes around is found often because it goes
around. How many different uploads it finds says more: copies of one picture look alike in all
16 bits of a sketch but a few, other pictures do not (docs/review.md has the measurement). So it
is different uploads that are counted, and those of the platform that has most of them are left
out, lest one platform alone could take a hash out of reach.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import asdict

from ..errors import StoreUnavailable
from ..models.audit import SERVICE, AuditEvent
from ..models.changes import ChangeKind
from ..models.overmatch import ActivityBaseline, HashActivity
from ..models.review import Cause
from ..store import Store, audit, changes, obligations, overmatch, review

_POSITIONS = 1_000
"""Entries of the audit log that one round counts: what bounds its time."""

_FAR_MORE = 10
"""How many times the usual is far more than it."""

logger = logging.getLogger(__name__)


class OvermatchDetector:
    """Looks every so many seconds; of all workers one at a time does the work.

    `floor` is how many different uploads a hash may find in a day, however few others do.
    """

    def __init__(self, store: Store, *, seconds: float, floor: int) -> None:
        self._store = store
        self._seconds = seconds
        self._floor = floor

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                while await self.look():
                    pass
            except StoreUnavailable:
                pass  # the follower says so; what was found is counted when it is back
            except Exception:
                logger.exception("watching failed; trying again")
            await asyncio.sleep(self._seconds)

    async def look(self) -> bool:
        """Count what is new and judge what it touches; say whether there may be more."""
        async with self._store.transaction() as tx:
            span = await overmatch.take(tx, _POSITIONS)
            if span is None or span[0] == span[1]:
                return False
            touched = await overmatch.count(tx, after=span[0], upto=span[1])
            if touched:
                await changes.lock(tx)
                await obligations.matched(tx, after=span[0], upto=span[1])
        await self._judge(touched)
        return span[1] - span[0] == _POSITIONS

    async def _judge(self, hash_ids: Sequence[int]) -> None:
        async with self._store.snapshot() as tx:
            finds = _FAR_MORE * self._floor
            often = await overmatch.found_often(tx, hash_ids, uploads=self._floor, finds=finds)
            if not often:
                return
            usual = await overmatch.usual(tx, [each.hash_id for each in often])
        for cause in Cause.OVER_MATCHING, Cause.OFTEN_FOUND:
            of_it = [each for each in often if cause_of(each, usual, self._floor) is cause]
            if of_it:
                await self._suspect(cause, of_it, usual)

    async def _suspect(
        self, cause: Cause, found: Sequence[HashActivity], usual: ActivityBaseline
    ) -> None:
        """Put hashes into the queue; out of reach where they over-match."""
        evidence = {each.hash_id: _evidence(each, usual) for each in found}
        async with self._store.transaction() as tx:
            await changes.lock(tx)
            new = await review.suspect(tx, cause, evidence)
            if not new:
                return
            if cause is Cause.OVER_MATCHING:
                await changes.append(tx, ChangeKind.STANDING, list(new))
            hashes = [{"record": str(new[id_]), **evidence[id_]} for id_ in sorted(new)]
            details = {"cause": cause.value, "hashes": hashes}
            await audit.append(tx, AuditEvent("review.opened", SERVICE, None, details))


def cause_of(found: HashActivity, usual: ActivityBaseline, floor: int) -> Cause | None:
    """Judge what a hash found in a day against what others did; None: it is as others are."""
    many = max(floor, _FAR_MORE * usual.uploads)
    if found.shared >= many:
        return Cause.OVER_MATCHING
    if found.uploads >= many or found.finds >= _FAR_MORE * max(floor, usual.finds):
        return Cause.OFTEN_FOUND
    return None


def _evidence(found: HashActivity, usual: ActivityBaseline) -> dict[str, int]:
    counts = {name: count for name, count in asdict(found).items() if name != "hash_id"}
    return {**counts, "usual_uploads": usual.uploads, "usual_finds": usual.finds}
