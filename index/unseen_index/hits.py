"""What a search found, and how the hits of several segments become one answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class RawHits(NamedTuple):
    """Hits in one segment or memtable, in any order: parallel arrays."""

    queries: npt.NDArray[np.int64]  # the position of each hit's query
    ids: npt.NDArray[np.int64]  # or row numbers, if the docstring says so
    distances: npt.NDArray[np.int32]  # in bits


@dataclass(frozen=True, slots=True)
class Hits:
    """The hits of q queries in compressed sparse row (CSR) form.

    Query i's hits are ``ids[limits[i]:limits[i + 1]]``, nearest first (ties by id). If ``more[i]``,
    further rows are within the radius: the search asked for the nearest only.

    limits: int64[q + 1]; ids: int64[n]; distances: int32[n], in bits; more: bool[q].
    """

    limits: npt.NDArray[np.int64]
    ids: npt.NDArray[np.int64]
    distances: npt.NDArray[np.int32]
    more: npt.NDArray[np.bool_]

    @classmethod
    def from_raw(cls, count: int, raw: Sequence[RawHits], nearest: int | None = None) -> "Hits":
        """Sort the raw hits of `count` queries into one answer: all, or the nearest of each."""
        queries, ids, distances = concatenate(raw)
        limits, more = np.zeros(count + 1, np.int64), np.zeros(count, np.bool_)
        if not len(queries):
            return cls(limits, ids, distances, more)
        order = np.lexsort((ids, distances, queries))
        ids, distances = ids[order], distances[order]
        np.cumsum(np.bincount(queries, minlength=count), out=limits[1:])
        return cls(limits, ids, distances, more).nearest(nearest)

    @classmethod
    def joined(cls, parts: Sequence["Hits"]) -> "Hits":
        """Return the hits of all queries of several answers, in their order."""
        found = np.concatenate([np.diff(part.limits) for part in parts])
        ids, distances, more = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("ids", "distances", "more")
        )
        return cls(_limits(found), ids, distances, more)

    def of(self, queries: slice) -> "Hits":
        """Return the hits of a run of queries, by their positions; without a step."""
        start, end, _ = queries.indices(len(self.more))
        limits = self.limits[start : end + 1]
        hits = slice(limits[0], limits[-1])
        return Hits(limits - limits[0], self.ids[hits], self.distances[hits], self.more[queries])

    def only(self, kept: npt.NDArray[np.bool_]) -> "Hits":
        """Return the hits that a mask (bool[n]) keeps.

        A query that loses one has no more beyond those that are left: a mask drops the farthest.
        """
        if kept.all():
            return self
        before = np.diff(self.limits)
        query = np.repeat(np.arange(len(before)), before)
        found = np.bincount(query[kept], minlength=len(before))
        return Hits(
            _limits(found), self.ids[kept], self.distances[kept], self.more & (found == before)
        )

    def nearest(self, most: int | None) -> "Hits":
        """Return the nearest `most` hits of each query; all of them if `most` is None."""
        if most is None or len(self.ids) <= most:
            return self
        found = np.diff(self.limits)
        if not (found > most).any():
            return self
        rank = np.arange(len(self.ids)) - np.repeat(self.limits[:-1], found)
        kept = rank < most
        return Hits(
            _limits(np.minimum(found, most)),
            self.ids[kept],
            self.distances[kept],
            self.more | (found > most),
        )


def _limits(found: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    limits = np.zeros(len(found) + 1, np.int64)
    np.cumsum(found, out=limits[1:])
    return limits


def concatenate(raw: Sequence[RawHits]) -> RawHits:
    """Concatenate raw hits."""
    some = [hits for hits in raw if len(hits.queries)]
    if len(some) == 1:
        return some[0]
    if not some:
        return RawHits(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int32))
    return RawHits(*(np.concatenate(columns) for columns in zip(*some, strict=True)))
