"""The platform's look-up: a miss is answered from memory, a hit is confirmed and recorded."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..live.index import LiveIndex
from ..live.miss_counter import MissCounter
from ..live.usage_meter import UsageMeter
from ..metrics import HITS, LOOK_UP_SECONDS, MISSES
from ..models.audit import AuditEvent
from ..models.keys import Key
from ..models.lookups import ConfirmedHash, Hit, Matched
from ..store import Store, Transaction, audit, lookups

_STEPS = (0, 8, 16, 24, 31)
"""What a key that is told distances in steps gets to see, in bits."""


class Lookups:
    """Answers whether hashes are close to any that are kept."""

    def __init__(
        self, store: Store, index: LiveIndex, misses: MissCounter, meter: UsageMeter
    ) -> None:
        self._store = store
        self._index = index
        self._misses = misses
        self._meter = meter

    async def look_up(self, key: Key, queries: npt.NDArray[np.uint8], radius: int) -> Matched:
        """Look up hashes (uint8[q, 32]) within `radius` bits, inclusive.

        A key that is told distances in steps gets the whole step that the radius is in. Raises
        BudgetSpent, KeyPaused, StillLoading; StoreUnavailable only where there is something to
        confirm.
        """
        self._meter.charge(key, queries)
        coarse = self._meter.coarse(key)
        if coarse:
            radius = _step(radius)
        with LOOK_UP_SECONDS.time():
            answer = await self._answer(key, queries, radius)
        hit = len({each.query for each in answer.hits})
        missed = len(queries) - hit
        HITS.inc(hit)
        MISSES.inc(missed)
        if missed:
            self._misses.count(key.id, missed)
        self._meter.count_hits(key, len(queries), hit)
        return replace(answer, hits=_coarsened(answer.hits)) if coarse else answer

    async def _answer(self, key: Key, queries: npt.NDArray[np.uint8], radius: int) -> Matched:
        generation = self._index.position
        hits = await self._index.search(queries, radius)
        if not len(hits.ids):
            return Matched(generation, ())
        query = np.repeat(np.arange(len(queries)), np.diff(hits.limits))
        columns = query, hits.ids, hits.distances, sketches(queries)[query]
        candidates = list(zip(*(column.tolist() for column in columns), strict=True))
        # In a pipeline: what need not be waited for is sent together.
        async with self._store.transaction() as tx, tx.pipeline():
            confirmed = await _confirm(tx, key, len(queries), candidates)
            await tx.commit()
        return Matched(generation, confirmed)


def _step(distance: int) -> int:
    """Round a distance up to a step; those beyond the last are as they are."""
    return next((step for step in _STEPS if distance <= step), distance)


def _coarsened(hits: tuple[Hit, ...]) -> tuple[Hit, ...]:
    """Say of each distance its step only, in an order that says no more."""
    stepped = (replace(hit, distance=_step(hit.distance)) for hit in hits)
    return tuple(sorted(stepped, key=lambda hit: (hit.query, hit.distance, hit.record)))


async def _confirm(
    tx: Transaction, key: Key, asked: int, candidates: Sequence[tuple[int, int, int, int]]
) -> tuple[Hit, ...]:
    """Keep what may be matched at this moment, and record it, before anybody is told.

    The audit log's lock comes first: whatever was withdrawn and audited before is seen here,
    so that the log never shows a hit behind the withdrawal of what it hit.
    """
    head = await audit.lock(tx)
    confirmed = await lookups.confirm(tx, sorted({hash_id for _, hash_id, _, _ in candidates}))
    found = [each for each in candidates if each[1] in confirmed]
    if not found:
        return ()
    hits = tuple(_hit(query, distance, confirmed[id_]) for query, id_, distance, _ in found)
    position = await audit.append(tx, _recorded(key, asked, hits), head)
    await lookups.insert(tx, audit_position=position, platform_id=key.platform_id, found=found)
    return hits


def sketches(queries: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Take 16 of the 256 bits of each hash (uint8[q, 32]): int64[q], 0 to 65,535.

    Enough to count how many different uploads a hash finds, and no way back to one of them.
    """
    sampled = np.packbits(queries[:, ::2] & 1, axis=1)
    return sampled.view(">u2").ravel().astype(np.int64)


def _hit(query: int, distance: int, confirmed: ConfirmedHash) -> Hit:
    return Hit(query, confirmed.record, distance, confirmed.view, confirmed.standing)


def _recorded(key: Key, asked: int, hits: tuple[Hit, ...]) -> AuditEvent:
    details = {
        "key": key.id,
        "asked": asked,
        "hits": [
            {"query": hit.query, "record": str(hit.record), "distance": hit.distance}
            for hit in hits
        ],
    }
    return AuditEvent("match.hit", f"platform:{key.platform}", None, details)
