"""The fresh part: what was added lately, in arrays that only grow, found by a plain scan.

A `Fresh` is a view of the first `count` rows. Adding writes past every view's end and returns a
longer view, so a search goes on undisturbed with the one that it holds. Removing sets a flag.
"""

import numpy as np
import numpy.typing as npt

from .hits import Found
from .scan import FlatScan


class Fresh:
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
    def empty(cls) -> "Fresh":
        """Return a part with no row and no room."""
        return cls(np.empty(0, np.int64), np.empty((0, 32), np.uint8), np.empty(0, np.bool_), 0, {})

    def __len__(self) -> int:
        return self.count - int(np.count_nonzero(self.removed[: self.count]))

    @property
    def nbytes(self) -> int:
        """The bytes of its arrays, room for more included."""
        return self._ids.nbytes + self._hashes.nbytes + self.removed.nbytes

    def added(self, ids: npt.NDArray[np.int64], hashes: npt.NDArray[np.uint8]) -> "Fresh":
        """Return a view with these rows too. Only the longest view may be added to."""
        end = self.count + len(ids)
        if end > len(self._ids):
            return self._with_room(2 * end).added(ids, hashes)
        new = slice(self.count, end)
        self._ids[new], self._hashes[new], self.removed[new] = ids, hashes, False
        self._row_of.update(zip(ids.tolist(), range(self.count, end), strict=True))
        return Fresh(self._ids, self._hashes, self.removed, end, self._row_of)

    def after(self, count: int) -> "Fresh":
        """Return a new part with the rows from number `count` on, but for the removed ones."""
        if not count:
            return self
        kept = np.flatnonzero(~self.removed[count : self.count]) + count
        return Fresh.empty().added(self._ids[kept], self._hashes[kept])

    def find(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return for each of these ids its row (int64[n]); -1: not here, or removed."""
        if not self._row_of:
            return np.full(len(ids), -1, np.int64)
        return np.array([self._row_of.get(key, -1) for key in ids.tolist()], np.int64)

    def remove(self, ids: npt.NDArray[np.int64]) -> int:
        """Remove those of these distinct ids that are here; return how many there were."""
        rows = self.find(ids)
        rows = rows[rows >= 0]
        for key in self._ids[rows].tolist():
            del self._row_of[key]
        self.removed[rows] = True
        return len(rows)

    def alive(
        self, without: npt.NDArray[np.bool_]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Return ids and hashes, but for the rows flagged in `without` (bool[count])."""
        kept = np.flatnonzero(~without)
        return self._ids[kept], self._hashes[kept]

    def ids_removed_since(self, then: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """Return the ids of the first rows that are removed now, but were not by `then`'s flags."""
        return self._ids[: len(then)][self.removed[: len(then)] & ~then]

    def search(self, queries: npt.NDArray[np.uint8], radius: int) -> Found:
        """Find what is within the radius of each query (uint8[q, 32])."""
        found = self._scan(queries, radius)
        if not len(found.queries):
            return found
        kept = ~self.removed[found.ids]
        return Found(found.queries[kept], self._ids[found.ids[kept]], found.distances[kept])

    def _with_room(self, room: int) -> "Fresh":
        ids, hashes = np.empty(room, np.int64), np.empty((room, 32), np.uint8)
        removed = np.zeros(room, np.bool_)
        ids[: self.count], hashes[: self.count] = (
            self._ids[: self.count],
            self._hashes[: self.count],
        )
        removed[: self.count] = self.removed[: self.count]
        return Fresh(ids, hashes, removed, self.count, self._row_of)
