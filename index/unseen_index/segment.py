"""A segment of the bulk: rows that never change, with a multi-index to find them by.

Only one thing about it changes: rows are flagged as removed, and are gone when it is next
merged.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from .build import fill
from .checksums import BLOCK, Guard, block_sums, damaged_block
from .errors import DamagedTableError
from .hits import Found, joined
from .layout import Offsets, offsets, tables
from .plan import plan
from .probe import probe
from .scan import FlatScan

Scan = Callable[[npt.NDArray[np.uint64], int], Found]
_WARM_RADIUS = 31


class Segment:
    """Rows 0 to n - 1, ascending by id; any number of readers, one writer of `removed`."""

    def __init__(
        self,
        buffer: npt.NDArray[np.uint8],
        rows: int,
        *,
        sums: npt.NDArray[np.uint64] | None = None,
        name: str = "",
    ) -> None:
        """View a buffer laid out as in layout.py.

        With `sums` (one a block) nothing in it is believed before its block's sum was checked;
        `name` is what the error then calls it.
        """
        self.rows, self.buffer = rows, buffer
        self.removed = np.zeros(rows, np.bool_)
        self.removed_count = 0
        self._name = name
        self._tables = tables(buffer, rows)
        self._guard = _guard(buffer, offsets(rows), sums)
        self._trusted: set[str] = set()
        self._scan: Scan = FlatScan(self._tables.codes)
        self._scan_only = False
        self._trust("starts")

    @classmethod
    def build(cls, ids: npt.NDArray[np.int64], codes: npt.NDArray[np.uint64]) -> "Segment":
        """Build a segment of 1 to 2**24 rows (ids: int64[n], distinct; codes: uint64[n, 4])."""
        buffer = np.empty(offsets(len(ids)).total, np.uint8)
        arrays = tables(buffer, len(ids))
        order = np.argsort(ids, kind="stable")  # quick where runs are sorted already
        np.take(ids, order, out=arrays.ids)
        np.take(codes, order, axis=0, out=arrays.codes.reshape(-1, 4))
        fill(arrays)
        _clear_gaps(buffer, len(ids))
        buffer.flags.writeable = False
        return cls(buffer, len(ids))

    def __len__(self) -> int:
        return self.rows - self.removed_count

    @property
    def nbytes(self) -> int:
        """The bytes of its buffer and of the flags of removal."""
        return self.buffer.nbytes + self.removed.nbytes

    def remove_rows(self, rows: npt.NDArray[Any]) -> None:
        """Flag distinct rows as removed."""
        self.removed[rows] = True
        self.removed_count += len(rows)

    def scan_with(self, scan: Scan) -> None:
        """From now on, search by this scan of `codes` only."""
        self._scan, self._scan_only = scan, True

    @property
    def codes(self) -> npt.NDArray[np.uint64]:
        """The shuffled hashes, uint64[n, 4]."""
        self._trust("codes")
        return self._tables.codes.reshape(-1, 4)

    @property
    def ids(self) -> npt.NDArray[np.int64]:
        """The ids, int64[n], ascending."""
        self._trust("ids")
        return self._tables.ids

    @property
    def sums(self) -> npt.NDArray[np.uint64]:
        """The sum of each block of the buffer."""
        return self._guard.sums if self._guard.on else block_sums(self.buffer.view(np.uint64))

    def search(self, codes: npt.NDArray[np.uint64], radius: int) -> Found:
        """Find what is within the radius of each shuffled query (uint64[q, 4])."""
        how = None if self._scan_only else plan(self.rows, radius)
        if how is None:
            return self._found(self._scanned(codes, radius))
        found, scan, damaged = probe(codes, how, self._tables, self.removed, self._guard)
        self._refuse(damaged)
        if scan.any():
            place = np.flatnonzero(scan)
            more = self._scanned(codes[place], radius)
            found = joined([found, more._replace(queries=place[more.queries])])
        return self._found(found)

    def warm(self) -> None:
        """Search once, so that no caller waits for the kernels to be compiled or loaded."""
        self.search(np.zeros((1, 4), np.uint64), _WARM_RADIUS)

    def find(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return for each of these ids its row (int64[n]); -1: not here, or removed."""
        rows = np.minimum(np.searchsorted(self.ids, ids), self.rows - 1)
        there = (self.ids[rows] == ids) & ~self.removed[rows]
        found: npt.NDArray[np.int64] = np.where(there, rows, -1)
        return found

    def remove(self, ids: npt.NDArray[np.int64]) -> int:
        """Remove those of these distinct ids that are here; return how many there were."""
        rows = self.find(ids)
        rows = rows[rows >= 0]
        self.remove_rows(rows)
        return len(rows)

    def _scanned(self, codes: npt.NDArray[np.uint64], radius: int) -> Found:
        """Scan for (query, row, distance), without what was removed."""
        self._trust("codes")
        found = self._scan(codes, radius)
        kept = ~self.removed[found.ids]
        return Found(found.queries[kept], found.ids[kept], found.distances[kept])

    def _found(self, found: Found) -> Found:
        """Put ids in the place of rows."""
        rows = found.ids
        if self._guard.on and "ids" not in self._trusted:
            for block in np.unique((self._guard.at.ids + 8 * rows) // BLOCK).tolist():
                self._refuse(damaged_block(self._guard, block, block))
        return found._replace(ids=self._tables.ids[rows])

    def _trust(self, array: str) -> None:
        """Check the whole of an array, once."""
        if not self._guard.on or array in self._trusted:
            return
        at = self._guard.at
        following = Offsets._fields[Offsets._fields.index(array) + 1]
        first, end = getattr(at, array) // BLOCK, getattr(at, following) // BLOCK
        self._refuse(damaged_block(self._guard, first, end - 1))
        self._trusted.add(array)

    def _refuse(self, damaged: int) -> None:
        if damaged >= 0:
            raise DamagedTableError(
                f"{self._name} is damaged at byte {damaged * BLOCK} or soon after: delete the "
                "saved table and build or copy it anew"
            )


def _guard(
    buffer: npt.NDArray[np.uint8], at: Offsets, sums: npt.NDArray[np.uint64] | None
) -> Guard:
    words = buffer.view(np.uint64)
    if sums is None:
        nothing = np.empty(0, np.uint64)
        nothing.flags.writeable = False  # one type, and so one compiled kernel, for both kinds
        return Guard(False, words, nothing, np.empty(0, np.uint8), at)
    return Guard(True, words, sums, np.zeros(len(sums), np.uint8), at)


def _clear_gaps(buffer: npt.NDArray[np.uint8], rows: int) -> None:
    """Zero the padding between arrays: nothing that lay in memory before may reach a file."""
    arrays, at = tables(buffer, rows), offsets(rows)
    for place, (start, end) in enumerate(pairwise(at)):
        buffer[start + arrays[place].nbytes : end] = 0
