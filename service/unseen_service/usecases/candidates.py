"""The candidates of a lookup: how many one call may return, and which of them count.

A query gets all of its candidates, or, in a crowd, the nearest. What a crowd is must remain
unknown: whoever can tell one from the other by adding hashes can count those of other people. And
which are the nearest must tell no more than the distances that are told.
"""

import hmac
from collections.abc import Callable, Iterator, Set
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from unseen_index import Hits

from ..models.hashes import SUSPECT_RADIUS

MAX_CALL_HITS = 4_096
"""The most hits of a call with no more hashes than this; a call with more has one per hash.

The limit of a call is drawn from the upper half.
"""
MAX_WHOLE = 128
"""The most candidates of a query that are not a crowd; the limit is drawn from the upper half."""
MAX_PART_HITS = 1_024
"""The most hits that one transaction records, under the audit log's lock."""
MAX_DEPTH = 1_024
"""The most candidates per hash that are looked at, if nearer ones may not match now."""
MAX_DEEPER = 16_384
"""The same for all hashes of a part together."""

Ints = npt.NDArray[np.int64]


class Candidates(NamedTuple):
    """Candidates as parallel arrays: the position of the query, the hash's id, the distance.

    `marked` are those that are for human review only.
    """

    query: Ints
    hash_id: Ints
    distance: Ints
    marked: npt.NDArray[np.bool_]

    def only(self, kept: npt.NDArray[np.bool_] | Ints) -> "Candidates":
        """Return those that a mask (bool[n]) keeps, or at some places, in their order."""
        return Candidates(
            self.query[kept], self.hash_id[kept], self.distance[kept], self.marked[kept]
        )


class Ranking:
    """The order in which candidates are returned: by what is told of the distance.

    A secret decides between those of which the same is told, always in the same way.
    """

    def __init__(self, told: Callable[[Ints, Ints], Ints], secret: bytes) -> None:
        """`told` returns the distances to tell of some ids and their distances."""
        self._told = told
        self._draw = Cipher(algorithms.AES(secret[:16]), modes.ECB()).encryptor()  # noqa: S305

    def columns(self, ids: Ints, distances: Ints) -> tuple[npt.NDArray[np.uint64], Ints]:
        """Return what to sort candidates by, the more important column last."""
        blocks = np.zeros((len(ids), 2), np.int64)
        blocks[:, 0] = ids
        drawn = np.frombuffer(self._draw.update(blocks.tobytes()), np.uint64)[::2]
        return drawn, self._told(ids, distances)


class Fitted(NamedTuple):
    """What a call may return: of the queries that are `crowded` (bool[q]), the `nearest` hits."""

    found: Hits
    crowded: npt.NDArray[np.bool_]
    nearest: int

    def parts(self) -> Iterator[tuple[slice, "Fitted"]]:
        """Split it into runs of queries that are confirmed and recorded in one transaction."""
        limits = self.found.limits
        count, start = len(limits) - 1, 0
        while start < count:
            most = limits[start] + MAX_PART_HITS
            end = max(start + 1, int(np.searchsorted(limits, most, side="right")) - 1)
            if limits[end] == limits[-1]:
                end = count
            part = slice(start, end)
            yield part, Fitted(self.found.of(part), self.crowded[part], self.nearest)
            start = end


def fit(found: Hits, nearest: int, secret: bytes, ranking: Ranking) -> Fitted:
    """Cut what a search for MAX_WHOLE hits per query found to what one call may return.

    A query that is not crowded keeps all of its hits, a crowded one the first `nearest` by
    `ranking`, or fewer if the call would have too many; none loses all.
    The limits depend on `secret` and on the oldest hash that was found: they are the same when the
    lookup is repeated, and cannot be measured with other hashes.
    """
    counts = np.diff(found.limits)
    crowded = found.more.copy()
    for place in np.flatnonzero(counts >= MAX_WHOLE // 2):
        ids = found.ids[found.limits[place] : found.limits[place + 1]]
        crowded[place] |= len(ids) > _limit(secret, ids, MAX_WHOLE)
    if np.where(crowded, np.minimum(counts, nearest), counts).sum() > MAX_CALL_HITS // 2:
        most = max(_limit(secret, found.ids, MAX_CALL_HITS), len(counts))
        if np.where(crowded, np.minimum(counts, nearest), counts).sum() > most:
            while nearest > 1 and np.minimum(counts, nearest).sum() > most:
                nearest -= 1
            crowded = counts > nearest
    if not crowded.any():
        return Fitted(found, crowded, nearest)
    query = np.repeat(np.arange(len(counts)), counts)
    order = np.lexsort((*ranking.columns(found.ids, found.distances.astype(np.int64)), query))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - found.limits[query]
    fitted = found.only((rank < nearest) | ~crowded[query])
    return Fitted(replace(fitted, more=crowded.copy()), crowded, nearest)


def _limit(secret: bytes, ids: Ints, most: int) -> int:
    """Draw a limit from the upper half of what is possible at most."""
    oldest = int(ids.min(initial=np.iinfo(np.int64).max))
    drawn = hmac.digest(secret, oldest.to_bytes(8, "big"), "sha256")
    return most - int.from_bytes(drawn[:8], "big") % (most // 2)


class Sieve:
    """Sorts out the candidates that may not match now, and says where to search on.

    A hash that is withdrawn, quarantined or disputed must not hide a valid one behind it, nor may
    one that staff have yet to decide about.
    """

    def __init__(self, crowded: npt.NDArray[np.bool_], nearest: int, ranking: Ranking) -> None:
        """Keep the `nearest` of the `crowded` queries (bool[q]), and everything of the others."""
        self._crowded, self._ranking = crowded, ranking
        self._nearest = self._depth = nearest
        self._kept: list[Candidates] = []
        self._is_cut = np.zeros(len(crowded), np.bool_)
        self.pending: Ints = np.arange(len(crowded))
        """The queries to search next, `depth` candidates deep."""

    @property
    def depth(self) -> int:
        """How many candidates per query to search for next."""
        return self._depth

    def add(self, found: Hits, confirmed: Set[int], suspect: Set[int] = frozenset()) -> None:
        """Add what was found for the pending queries, of which the `confirmed` may match now.

        Those that are `suspect` count only near the query; otherwise they are marked.
        """
        own = np.repeat(np.arange(len(self.pending)), np.diff(found.limits))
        valid = _are_in(found.ids, confirmed)
        marked = _are_in(found.ids, suspect) & (found.distances > SUSPECT_RADIUS)
        counts = np.bincount(own[valid & ~marked], minlength=len(self.pending))
        is_short = found.more & (counts < self._nearest)
        short = int(np.count_nonzero(is_short))
        deeper = min(4 * self._depth, MAX_DEPTH, MAX_DEEPER // max(short, 1))
        if deeper <= self._depth:
            is_short[:] = False
        final = Candidates(self.pending[own], found.ids, found.distances.astype(np.int64), marked)
        self._kept.append(final.only(valid & ~is_short[own]))
        self._is_cut[self.pending[~is_short]] = found.more[~is_short]
        self.pending, self._depth = self.pending[is_short], deeper

    def kept(self) -> Candidates:
        """Return the valid candidates, by query, nearest first; marked ones after the others."""
        kept = Candidates(*(np.concatenate(columns) for columns in zip(*self._kept, strict=True)))
        columns = self._ranking.columns(kept.hash_id, kept.distance)
        kept = kept.only(np.lexsort((*columns, kept.marked, kept.query)))
        rank = np.arange(len(kept.query)) - np.searchsorted(kept.query, kept.query)
        beyond = (rank >= self._nearest) & self._crowded[kept.query]
        self._is_cut[kept.query[beyond]] = True
        return kept.only(~beyond)

    def cut(self) -> list[int]:
        """Return the queries that have further candidates, after `kept`."""
        return np.flatnonzero(self._is_cut).tolist()


def _are_in(ids: Ints, wanted: Set[int]) -> npt.NDArray[np.bool_]:
    return np.isin(ids, np.fromiter(wanted, np.int64, len(wanted)))
