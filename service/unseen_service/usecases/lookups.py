"""A platform's lookup: a miss is answered from memory, a hit is confirmed and recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from unseen_index import Hits

from ..live.index import LiveIndex
from ..live.miss_counter import MissCounter
from ..live.usage_meter import Account, Detail, UsageMeter
from ..metrics import HITS, LOOKUP_SECONDS, MISSES
from ..models.audit import AuditEvent, AuditKind
from ..models.hashes import MATCH_RADIUS, SUSPECT_RADIUS
from ..models.keys import Key
from ..models.lookups import ConfirmedHash, Hit, Matched
from ..ratelimit.in_flight import InFlight
from ..ratelimit.turns import Turns
from ..store import Store, Transaction, audit, lookups
from .actors import platform_event
from .candidates import MAX_WHOLE, Candidates, Fitted, Ranking, Sieve, fit
from .nearest_of_image import without_farther_crops
from .query_groups import Queries, QueryGroups
from .reach import Reach

MAX_CONFIRMING = 256
"""Lookups with hits of one key family that wait or work at a worker; more are refused."""


class Candidate(NamedTuple):
    """What the index found: which query is near which hash, and what is told of the distance.

    `crowded`: the query has more candidates, which is not shown in anyone's case.
    """

    query: int
    hash_id: int
    distance: int
    sketch: int
    crowded: bool
    told: int


class Lookups:
    """Answers whether hashes are close to any that are stored."""

    def __init__(
        self,
        store: Store,
        index: LiveIndex,
        misses: MissCounter,
        meter: UsageMeter,
        *,
        nearest: int,
        secret: bytes,
        in_flight: InFlight,
        pool_size: int,
    ) -> None:
        """Answer to as many as `in_flight` allows: with the `nearest` hits in a crowd.

        `secret` decides what a crowd is (candidates.py). Of `pool_size` connections to PostgreSQL,
        the hits of a key family use half at most.
        """
        self._store = store
        self._index = index
        self._misses = misses
        self._meter = meter
        self._nearest = nearest
        self._secret = secret
        self._in_flight = in_flight
        self._confirming = Turns(
            at_once=pool_size, of_one=max(1, pool_size // 2), waiting=MAX_CONFIRMING
        )

    async def require_room(self, account: Account, hashes: int) -> None:
        """Check, before a body is parsed, that it may have so many hashes. Raises TooManyAtOnce."""
        await self._in_flight.require_room(account.family_id, hashes)

    async def look_up(
        self, key: Key, account: Account, queries: QueryGroups, radius: int
    ) -> Matched:
        """Look up hashes, or images by several hashes each, within `radius` bits, inclusive.

        Budgets count every hash; everything else counts a group of hashes as one query.
        `account` is the key's, as `UsageMeter.admit` returned it. A key with coarse distances
        gets the whole step that the radius is in. Raises TooManyAtOnce, BudgetSpent, StillLoading;
        StoreUnavailable and Overloaded only if there are candidates to confirm.
        """
        with self._in_flight.hold(account.family_id, len(queries.hashes)):
            self._meter.charge(account, len(queries.hashes))
            detail = Detail.COARSE if account.is_coarse else Detail.EXACT
            with LOOKUP_SECONDS.time():
                answer = await self._answer(key, account, queries, Reach(radius, detail))
        hit = len({each.query for each in answer.hits if not each.suspect})
        missed = len(queries) - len({each.query for each in answer.hits})
        HITS.inc(hit)
        MISSES.inc(missed)
        if missed:
            self._misses.count(key.id, missed)
        self._meter.count_hits(key, len(queries), hit)
        return answer

    async def _answer(
        self, key: Key, account: Account, queries: QueryGroups, reach: Reach
    ) -> Matched:
        """Search, confirm and record."""
        generation = self._index.position
        found = await self._search(key, queries, reach, max(self._nearest, MAX_WHOLE))
        if not len(found.ids):
            return Matched(generation, ())
        ranking = Ranking(reach.told, self._secret)
        fitted = fit(found, self._nearest, self._secret, ranking)
        hits: list[Hit] = []
        truncated: list[int] = []
        # In parts, each a transaction of its own: none holds the audit log's lock for long.
        for part, some in fitted.parts():
            # In a pipeline: statements whose results are not needed yet are sent together.
            async with (
                self._confirming.turn(account.family_id),
                self._store.transaction() as tx,
                tx.pipeline(),
            ):
                own = queries.of(np.arange(len(queries))[part])
                known, sieve = await self._sift(tx, key, own, some, ranking, reach=reach)
                nearest = await _nearest(tx, sieve.kept(), known)
                kept = _located(nearest, part, queries, fitted.crowded, reach)
                hits += await _confirm(tx, key, len(own), kept, known)
                await tx.commit()
            truncated += [part.start + query for query in sieve.cut()]
        return Matched(generation, tuple(hits), tuple(truncated))

    async def _search(self, key: Key, queries: QueryGroups, reach: Reach, nearest: int) -> Hits:
        """Search for the nearest hits, and count them; return those within reach.

        The search is always as wide as a match: a walk that asks for a small radius comes near
        the stored hash all the same.
        """
        radius = max(reach.radius, MATCH_RADIUS)
        found, near = queries.merge(await self._index.search(queries.hashes, radius, nearest))
        if not len(found.ids):
            return found
        return reach.limit(found, self._meter.count_near(key, near, found.ids))

    async def _sift(
        self,
        tx: Transaction,
        key: Key,
        queries: QueryGroups,
        fitted: Fitted,
        ranking: Ranking,
        *,
        reach: Reach,
    ) -> tuple[dict[int, ConfirmedHash], Sieve]:
        """Sort out the candidates that may not match now, and search on beyond them.

        Return what PostgreSQL says of the others, by id, and the sieve that holds them.
        """
        sieve = Sieve(fitted.crowded, fitted.nearest, ranking)
        asked, found = set[int](), fitted.found
        known: dict[int, ConfirmedHash] = {}
        while True:
            new = set(found.ids.tolist()) - asked
            known |= await lookups.confirm(tx, key.platform_id, sorted(new))
            asked |= new
            suspect = {hash_id for hash_id, each in known.items() if each.suspect}
            sieve.add(found, known.keys(), suspect)
            if not len(sieve.pending):
                return known, sieve
            found = await self._search(key, queries.of(sieve.pending), reach, sieve.depth)


async def _nearest(
    tx: Transaction, kept: Candidates, known: Mapping[int, ConfirmedHash]
) -> Candidates:
    ids = set(kept.hash_id.tolist())
    crops = {hash_id for hash_id in ids if known[hash_id].is_crop}
    if not crops or len(kept.query) == 1:
        return kept
    return without_farther_crops(kept, crops, await lookups.holders(tx, sorted(ids)))


async def _confirm(
    tx: Transaction,
    key: Key,
    asked: int,
    found: Sequence[Candidate],
    confirmed: Mapping[int, ConfirmedHash],
) -> tuple[Hit, ...]:
    """Record the candidates that still match, before anyone is told.

    What is recorded has the true distances. The hits are sorted so that their order tells no more
    than the distances that they tell. The rows are built first. Then comes the audit log's lock,
    and whatever was withdrawn and audited before that is seen: the log never shows a hit after the
    withdrawal of the hash that was hit.
    """
    if not found:
        return ()
    hits, event = _recorded(key, asked, found, confirmed)
    ids = sorted({each.hash_id for each in found})
    head, gone = await audit.lock_then(tx, lambda: lookups.gone(tx, ids))
    if gone:
        found = [each for each in found if each.hash_id not in gone]
        if not found:
            return ()
        hits, event = _recorded(key, asked, found, confirmed)
    position = await audit.append(tx, event, head)
    where = {"audit_position": position, "platform_id": key.platform_id}
    sure = [each[:5] for each, hit in zip(found, hits, strict=True) if not hit.suspect]
    suspect = [each[:3] for each, hit in zip(found, hits, strict=True) if hit.suspect]
    if sure:
        await lookups.insert(tx, **where, found=sure)
    if suspect:
        await lookups.insert_suspect(tx, **where, found=suspect)
    told = (replace(hit, distance=each.told) for each, hit in zip(found, hits, strict=True))
    return tuple(sorted(told, key=lambda hit: (hit.query, hit.distance, hit.record)))


def _recorded(
    key: Key, asked: int, found: Sequence[Candidate], confirmed: Mapping[int, ConfirmedHash]
) -> tuple[tuple[Hit, ...], AuditEvent]:
    hits = tuple(_hit(each.query, each.distance, confirmed[each.hash_id]) for each in found)
    entries = [_entry(hit, each) for hit, each in zip(hits, found, strict=True)]
    return hits, platform_event(key, AuditKind.MATCH_HIT, {"asked": asked, "hits": entries})


def _located(
    kept: Candidates,
    part: slice,
    queries: QueryGroups,
    crowded: npt.NDArray[np.bool_],
    reach: Reach,
) -> list[Candidate]:
    """Return the candidates of a part by their place in the call, with what to tell of each."""
    told, place = reach.told(kept.hash_id, kept.distance), part.start + kept.query
    sketched = sketches(queries.firsts(part))[kept.query]
    columns = place, kept.hash_id, kept.distance, sketched, crowded[place], told
    return [Candidate(*row) for row in zip(*(each.tolist() for each in columns), strict=True)]


def sketches(queries: Queries) -> npt.NDArray[np.int64]:
    """Sample 16 of the 256 bits of each hash (uint8[q, 32]): int64[q], 0 to 65,535.

    Enough to count how many different uploads a hash finds, and no way back to one of them.
    """
    sampled = np.packbits(queries[:, ::2] & 1, axis=1)
    return sampled.view(">u2").ravel().astype(np.int64)


def _hit(query: int, distance: int, confirmed: ConfirmedHash) -> Hit:
    suspect = confirmed.suspect and distance > SUSPECT_RADIUS
    return Hit(query, confirmed.record, distance, confirmed.view, confirmed.standing, suspect)


def _entry(hit: Hit, candidate: Candidate) -> dict[str, str | int | bool]:
    mark = {"crowded": True} if candidate.crowded else {}
    mark = {"suspect": True} if hit.suspect else mark
    return {"query": hit.query, "record": str(hit.record), "distance": hit.distance, **mark}
