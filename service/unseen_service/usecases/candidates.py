"""The candidates of a lookup: how many one call may return, and which of them count."""

from collections.abc import Iterator, Set
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from unseen_index import Hits

from ..models.hashes import SUSPECT_RADIUS

MAX_CALL_HITS = 4_096
"""The most hits of a call with no more hashes than this; a call with more has one per hash."""
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


def fit(found: Hits, nearest: int, queries: int) -> tuple[Hits, int]:
    """Cut what a search found to what one call may return; every query keeps its nearest.

    Return it, and how many per query that leaves, at most `nearest`.
    """
    counts, limit = np.diff(found.limits), max(MAX_CALL_HITS, queries)
    while nearest > 1 and np.minimum(counts, nearest).sum() > limit:
        nearest -= 1
    return found.nearest(nearest), nearest


def parts(found: Hits) -> Iterator[tuple[slice, Hits]]:
    """Split an answer into runs of queries that are confirmed and recorded in one transaction."""
    count, start = len(found.limits) - 1, 0
    while start < count:
        limit = found.limits[start] + MAX_PART_HITS
        end = max(start + 1, int(np.searchsorted(found.limits, limit, side="right")) - 1)
        if found.limits[end] == found.limits[-1]:
            end = count
        yield slice(start, end), found.of(slice(start, end))
        start = end


class Sieve:
    """Sorts out the candidates that may not match now, and says where to search on.

    A hash that is withdrawn, quarantined or disputed must not hide a valid one behind it, nor may
    one that staff have yet to decide about.
    """

    def __init__(self, queries: int, nearest: int) -> None:
        self._nearest = self._depth = nearest
        self._kept: list[Candidates] = []
        self._is_cut = np.zeros(queries, np.bool_)
        self.pending: Ints = np.arange(queries)
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
        """Return the nearest valid candidates, by query; the marked ones after the others."""
        kept = Candidates(*(np.concatenate(columns) for columns in zip(*self._kept, strict=True)))
        kept = kept.only(np.lexsort((kept.hash_id, kept.distance, kept.marked, kept.query)))
        rank = np.arange(len(kept.query)) - np.searchsorted(kept.query, kept.query)
        self._is_cut[kept.query[rank >= self._nearest]] = True
        return kept.only(rank < self._nearest)

    def cut(self) -> list[int]:
        """Return the queries that have further candidates, after `kept`."""
        return np.flatnonzero(self._is_cut).tolist()


def _are_in(ids: Ints, wanted: Set[int]) -> npt.NDArray[np.bool_]:
    return np.isin(ids, np.fromiter(wanted, np.int64, len(wanted)))
