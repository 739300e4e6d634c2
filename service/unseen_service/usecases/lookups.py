"""A platform's lookup: a miss is answered from memory, a hit is confirmed and recorded."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..live.index import LiveIndex
from ..live.miss_counter import MissCounter
from ..live.usage_meter import Account, Detail, UsageMeter
from ..metrics import HITS, LOOKUP_SECONDS, MISSES
from ..models.audit import AuditEvent, AuditKind
from ..models.hashes import MATCH_RADIUS, SUSPECT_RADIUS
from ..models.keys import Key
from ..models.lookups import ConfirmedHash, Hit, Matched
from ..store import Store, Transaction, audit, lookups
from .actors import platform_event

_STEPS = (0, 8, 16, 24, 31)
"""The distances, in bits, that a key with coarse distances sees."""

Queries = npt.NDArray[np.uint8]


class Candidate(NamedTuple):
    """What the index found: which query is near which hash, and what is told of the distance."""

    query: int
    hash_id: int
    distance: int
    sketch: int
    told: int


class Lookups:
    """Answers whether hashes are close to any that are stored."""

    def __init__(
        self, store: Store, index: LiveIndex, misses: MissCounter, meter: UsageMeter
    ) -> None:
        self._store = store
        self._index = index
        self._misses = misses
        self._meter = meter

    async def look_up(self, key: Key, account: Account, queries: Queries, radius: int) -> Matched:
        """Look up hashes (uint8[q, 32]) within `radius` bits, inclusive.

        `account` is the key's, as `UsageMeter.admit` returned it. A key with coarse distances
        gets the whole step that the radius is in. Raises BudgetSpent, StillLoading;
        StoreUnavailable only if there are candidates to confirm.
        """
        self._meter.charge(account, len(queries))
        detail = Detail.COARSE if account.is_coarse else Detail.EXACT
        with LOOKUP_SECONDS.time():
            answer = await self._answer(key, queries, radius, detail)
        hit = len({each.query for each in answer.hits if not each.suspect})
        missed = len(queries) - len({each.query for each in answer.hits})
        HITS.inc(hit)
        MISSES.inc(missed)
        if missed:
            self._misses.count(key.id, missed)
        self._meter.count_hits(key, len(queries), hit)
        return answer

    async def _answer(
        self, key: Key, queries: Queries, radius: int, least_detail: Detail
    ) -> Matched:
        """Search, confirm and record. Distances are told in no more than `least_detail`.

        The search is always as wide as a match: a walk that asks for a small radius comes near
        the stored hash all the same.
        """
        generation = self._index.position
        hits = await self._index.search(queries, max(radius, MATCH_RADIUS))
        if not len(hits.ids):
            return Matched(generation, ())
        query = np.repeat(np.arange(len(queries)), np.diff(hits.limits))
        details = np.maximum(self._meter.count_near(key, queries[query], hits.ids), least_detail)
        told = _told(hits.distances.astype(np.int64), details)
        within = told <= np.array([radius, _step(radius), max(radius, MATCH_RADIUS)])[details]
        if not within.any():
            return Matched(generation, ())
        columns = query, hits.ids, hits.distances, sketches(queries)[query], told
        rows = zip(*(column[within].tolist() for column in columns), strict=True)
        candidates = [Candidate(*row) for row in rows]
        # In a pipeline: statements whose results are not needed yet are sent together.
        async with self._store.transaction() as tx, tx.pipeline():
            confirmed = await _confirm(tx, key, len(queries), candidates)
            await tx.commit()
        return Matched(generation, confirmed)


def _step(distance: int) -> int:
    """Round a distance up to a step; those beyond the last step stay as they are."""
    return next((step for step in _STEPS if distance <= step), distance)


def _told(exact: npt.NDArray[np.int64], details: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the distances to tell, by the `Detail` of each: as they are, by steps, or none."""
    steps = np.array(_STEPS)
    coarse = np.where(
        exact > steps[-1], exact, steps[np.searchsorted(steps, np.minimum(exact, steps[-1]))]
    )
    return np.choose(details, (exact, coarse, np.maximum(exact, MATCH_RADIUS)))


async def _confirm(
    tx: Transaction, key: Key, asked: int, candidates: Sequence[Candidate]
) -> tuple[Hit, ...]:
    """Keep the candidates that may match at this moment, and record them before anyone is told.

    What is recorded has the true distances. The hits are sorted so that their order tells no more
    than the distances that they tell. The audit log's lock comes first: whatever was withdrawn and
    audited before is seen here, so the log never shows a hit after the withdrawal of the hash that
    was hit.
    """
    head = await audit.lock(tx)
    ids = sorted({each.hash_id for each in candidates})
    confirmed = await lookups.confirm(tx, key.platform_id, ids)
    found = [each for each in candidates if each.hash_id in confirmed]
    if not found:
        return ()
    hits = tuple(_hit(each.query, each.distance, confirmed[each.hash_id]) for each in found)
    position = await audit.append(tx, _event(key, asked, hits), head)
    where = {"audit_position": position, "platform_id": key.platform_id}
    sure = [each[:4] for each, hit in zip(found, hits, strict=True) if not hit.suspect]
    suspect = [each[:4] for each, hit in zip(found, hits, strict=True) if hit.suspect]
    if sure:
        await lookups.insert(tx, **where, found=sure)
    if suspect:
        await lookups.insert_suspect(tx, **where, found=suspect)
    told = (replace(hit, distance=each.told) for each, hit in zip(found, hits, strict=True))
    return tuple(sorted(told, key=lambda hit: (hit.query, hit.distance, hit.record)))


def sketches(queries: Queries) -> npt.NDArray[np.int64]:
    """Sample 16 of the 256 bits of each hash (uint8[q, 32]): int64[q], 0 to 65,535.

    Enough to count how many different uploads a hash finds, and no way back to one of them.
    """
    sampled = np.packbits(queries[:, ::2] & 1, axis=1)
    return sampled.view(">u2").ravel().astype(np.int64)


def _hit(query: int, distance: int, confirmed: ConfirmedHash) -> Hit:
    suspect = confirmed.suspect and distance > SUSPECT_RADIUS
    return Hit(query, confirmed.record, distance, confirmed.view, confirmed.standing, suspect)


def _event(key: Key, asked: int, hits: tuple[Hit, ...]) -> AuditEvent:
    return platform_event(
        key, AuditKind.MATCH_HIT, {"asked": asked, "hits": [_recorded(hit) for hit in hits]}
    )


def _recorded(hit: Hit) -> dict[str, str | int | bool]:
    mark = {"suspect": True} if hit.suspect else {}
    return {"query": hit.query, "record": str(hit.record), "distance": hit.distance, **mark}
