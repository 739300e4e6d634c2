"""The memtable: the newest rows, in append-only arrays, found by a scan.

A `Memtable` is a view of the first `count` rows. Appending writes past the end of every view and
returns a longer one, so a search is not affected by what happens after it took its view. Removing
sets a flag.
"""

import numpy as np
import numpy.typing as npt

from .hits import RawHits, concatenate
from .scan import FlatScan


class Memtable:
    """The newest rows of a table; one writer, any number of readers."""

    def __init__(
        self,
        ids: npt.NDArray[np.int64],
        hashes: npt.NDArray[np.uint8],
        removed: npt.NDArray[np.bool_],
        count: int,
        row_of: dict[int, int],
    ) -> None:
        self._ids, self._hashes, self.removed = ids, hashes, removed
        self.count, self._row_of = count, row_of
        self._scan = FlatScan(hashes[:count])

    @classmethod
    def empty(cls) -> "Memtable":
        """Return a memtable without rows or capacity."""
        return cls(np.empty(0, np.int64), np.empty((0, 32), np.uint8), np.empty(0, np.bool_), 0, {})

    def __len__(self) -> int:
        return self.count - int(np.count_nonzero(self.removed[: self.count]))

    @property
    def nbytes(self) -> int:
        """The bytes of its arrays, including unused capacity."""
        return self._ids.nbytes + self._hashes.nbytes + self.removed.nbytes

    def append(self, ids: npt.NDArray[np.int64], hashes: npt.NDArray[np.uint8]) -> "Memtable":
        """Return a view that includes these rows. Only the longest view may be appended to."""
        end = self.count + len(ids)
        if end > len(self._ids):
            return self._reserve(2 * end).append(ids, hashes)
        new = slice(self.count, end)
        self._ids[new], self._hashes[new], self.removed[new] = ids, hashes, False
        self._row_of.update(zip(ids.tolist(), range(self.count, end), strict=True))
        return Memtable(self._ids, self._hashes, self.removed, end, self._row_of)

    def drop_first(self, count: int) -> "Memtable":
        """Return a new memtable without the first `count` rows and without the removed ones."""
        if not count:
            return self
        kept = np.flatnonzero(~self.removed[count : self.count]) + count
        return Memtable.empty().append(self._ids[kept], self._hashes[kept])

    def find(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the row number of each id (int64[n]); -1: not here, or removed."""
        if not self._row_of:
            return np.full(len(ids), -1, np.int64)
        return np.array([self._row_of.get(key, -1) for key in ids.tolist()], np.int64)

    def remove(self, ids: npt.NDArray[np.int64]) -> int:
        """Remove the rows with these ids (distinct); return how many there were."""
        rows = self.find(ids)
        rows = rows[rows >= 0]
        for key in self._ids[rows].tolist():
            del self._row_of[key]
        self.removed[rows] = True
        return len(rows)

    def rows_except(
        self, removed: npt.NDArray[np.bool_]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Return the ids and hashes of all rows except the flagged ones (bool[count])."""
        kept = np.flatnonzero(~removed)
        return self._ids[kept], self._hashes[kept]

    def ids_removed_since(self, before: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """Return the ids of rows that are removed now but were not flagged in `before`.

        `before` (bool[n]) is an earlier copy of the first n flags; later rows are ignored.
        """
        return self._ids[: len(before)][self.removed[: len(before)] & ~before]

    def search(
        self, queries: npt.NDArray[np.uint8], radius: int, most: int | None = None
    ) -> RawHits:
        """Return the hits within the radius of each query (uint8[q, 32]).

        With `most`, the nearest `most` of each, ties by id.
        """
        removed = self.removed[: self.count]
        hits = self._scan(queries, radius, most=most, removed=removed if removed.any() else None)
        if not len(hits.queries):
            return hits
        hits = RawHits(hits.queries, self._ids[hits.ids], hits.distances)
        if most is None or len(hits.queries) < most:
            return hits
        return self._with_lowest_ids(hits, queries, most)

    def _with_lowest_ids(self, hits: RawHits, queries: npt.NDArray[np.uint8], most: int) -> RawHits:
        """Break ties by id: the scan breaks them by row, and rows are in the order of adding."""
        full = np.flatnonzero(np.bincount(hits.queries, minlength=len(queries)) >= most)
        if not len(full) or (np.diff(self._ids[: self.count]) > 0).all():
            return hits
        others = ~np.isin(hits.queries, full)
        found = [RawHits(hits.queries[others], hits.ids[others], hits.distances[others])]
        for query in full.tolist():
            farthest = int(hits.distances[hits.queries == query].max())
            found.append(self._nearest_of(queries[query : query + 1], query, farthest, most))
        return concatenate(found)

    def _nearest_of(
        self, wanted: npt.NDArray[np.uint8], query: int, farthest: int, most: int
    ) -> RawHits:
        """Return the `most` rows within a distance, which has as many, with the lowest ids."""
        near = self._scan(wanted, farthest, removed=self.removed[: self.count])
        ids, distances = self._ids[near.ids], near.distances
        order = np.lexsort((ids, distances))[:most]
        return RawHits(np.full(len(order), query, np.int64), ids[order], distances[order])

    def _reserve(self, capacity: int) -> "Memtable":
        ids, hashes = np.empty(capacity, np.int64), np.empty((capacity, 32), np.uint8)
        removed = np.zeros(capacity, np.bool_)
        ids[: self.count], hashes[: self.count] = (
            self._ids[: self.count],
            self._hashes[: self.count],
        )
        removed[: self.count] = self.removed[: self.count]
        return Memtable(ids, hashes, removed, self.count, self._row_of)
