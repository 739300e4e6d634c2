"""A platform's lookup: a miss is answered from memory, a hit is confirmed and recorded."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..live.index import LiveIndex
from ..live.miss_counter import MissCounter
from ..live.usage_meter import Account, UsageMeter
from ..metrics import HITS, LOOKUP_SECONDS, MISSES
from ..models.audit import AuditEvent, AuditKind
from ..models.hashes import SUSPECT_RADIUS
from ..models.keys import Key
from ..models.lookups import ConfirmedHash, Hit, Matched
from ..store import Store, Transaction, audit, lookups
from .actors import platform_event

_STEPS = (0, 8, 16, 24, 31)
"""The distances, in bits, that a key with coarse distances sees."""

Queries = npt.NDArray[np.uint8]


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
        gets the whole step that the radius is in. Raises BudgetSpent, KeyPaused, StillLoading;
        StoreUnavailable only if there are candidates to confirm.
        """
        self._meter.charge(account, queries)
        if account.is_coarse:
            radius = _step(radius)
        with LOOKUP_SECONDS.time():
            answer = await self._answer(key, queries, radius)
        hit = len({each.query for each in answer.hits if not each.suspect})
        missed = len(queries) - len({each.query for each in answer.hits})
        HITS.inc(hit)
        MISSES.inc(missed)
        if missed:
            self._misses.count(key.id, missed)
        self._meter.count_hits(account, len(queries), hit)
        return replace(answer, hits=_coarsened(answer.hits)) if account.is_coarse else answer

    async def _answer(self, key: Key, queries: Queries, radius: int) -> Matched:
        generation = self._index.position
        hits = await self._index.search(queries, radius)
        if not len(hits.ids):
            return Matched(generation, ())
        query = np.repeat(np.arange(len(queries)), np.diff(hits.limits))
        columns = query, hits.ids, hits.distances, sketches(queries)[query]
        candidates = list(zip(*(column.tolist() for column in columns), strict=True))
        # In a pipeline: statements whose results are not needed yet are sent together.
        async with self._store.transaction() as tx, tx.pipeline():
            confirmed = await _confirm(tx, key, len(queries), candidates)
            await tx.commit()
        return Matched(generation, confirmed)


def _step(distance: int) -> int:
    """Round a distance up to a step; those beyond the last step stay as they are."""
    return next((step for step in _STEPS if distance <= step), distance)


def _coarsened(hits: tuple[Hit, ...]) -> tuple[Hit, ...]:
    """Round distances to steps; sort so that the order reveals nothing more."""
    stepped = (replace(hit, distance=_step(hit.distance)) for hit in hits)
    return tuple(sorted(stepped, key=lambda hit: (hit.query, hit.distance, hit.record)))


async def _confirm(
    tx: Transaction, key: Key, asked: int, candidates: Sequence[tuple[int, int, int, int]]
) -> tuple[Hit, ...]:
    """Keep the candidates that may match at this moment, and record them before anyone is told.

    The audit log's lock comes first: whatever was withdrawn and audited before is seen here, so
    the log never shows a hit after the withdrawal of the hash that was hit.
    """
    head = await audit.lock(tx)
    ids = sorted({hash_id for _, hash_id, _, _ in candidates})
    confirmed = await lookups.confirm(tx, key.platform_id, ids)
    found = [each for each in candidates if each[1] in confirmed]
    if not found:
        return ()
    hits = tuple(_hit(query, distance, confirmed[hash_id]) for query, hash_id, distance, _ in found)
    position = await audit.append(tx, _event(key, asked, hits), head)
    where = {"audit_position": position, "platform_id": key.platform_id}
    sure = [each for each, hit in zip(found, hits, strict=True) if not hit.suspect]
    suspect = [each for each, hit in zip(found, hits, strict=True) if hit.suspect]
    if sure:
        await lookups.insert(tx, **where, found=sure)
    if suspect:
        await lookups.insert_suspect(tx, **where, found=suspect)
    return hits


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
