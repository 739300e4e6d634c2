"""A segment: immutable rows with a multi-index over them.

The only thing that changes is the flags of removed rows, which the next merge drops.
"""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from .build import fill
from .checksums import BLOCK, BlockChecks, block_checksums, find_damaged_block
from .errors import DamagedTableError
from .hits import RawHits, concatenate
from .layout import Offsets, offsets, view_arrays
from .nearest import ALL
from .plan import plan
from .probe import probe
from .scan import FlatScan, Scan

_WARM_UP_RADIUS = 31


class Segment:
    """Rows 0 to n - 1, ascending by id; any number of readers, one writer of `removed`."""

    def __init__(
        self,
        buffer: npt.NDArray[np.uint8],
        rows: int,
        *,
        checksums: npt.NDArray[np.uint64] | None = None,
        name: str = "",
    ) -> None:
        """View a buffer laid out as in layout.py.

        With `checksums` (one per block), each block is checked before it is used; a
        DamagedTableError then calls the buffer `name`.
        """
        self.rows, self.buffer = rows, buffer
        self.removed = np.zeros(rows, np.bool_)
        self.removed_count = 0
        self._name = name
        self._arrays = view_arrays(buffer, rows)
        self._checks = _block_checks(buffer, offsets(rows), checksums)
        self._checked_arrays: set[str] = set()
        self._scan: Scan = FlatScan(self._arrays.codes)
        self._scan_only = False
        self._check_array("starts")

    @classmethod
    def build(cls, ids: npt.NDArray[np.int64], codes: npt.NDArray[np.uint64]) -> "Segment":
        """Build a segment of 1 to 2**24 rows (ids: int64[n], distinct; codes: uint64[n, 4])."""
        buffer = np.empty(offsets(len(ids)).total, np.uint8)
        arrays = view_arrays(buffer, len(ids))
        order = np.argsort(ids, kind="stable")  # fast if runs are already sorted
        np.take(ids, order, out=arrays.ids)
        np.take(codes, order, axis=0, out=arrays.codes.reshape(-1, 4))
        fill(arrays)
        _zero_padding(buffer, len(ids))
        buffer.flags.writeable = False
        return cls(buffer, len(ids))

    def __len__(self) -> int:
        return self.rows - self.removed_count

    @property
    def nbytes(self) -> int:
        """The bytes of its buffer and of the flags of removed rows."""
        return self.buffer.nbytes + self.removed.nbytes

    def remove_rows(self, rows: npt.NDArray[Any]) -> None:
        """Flag rows (distinct row numbers) as removed."""
        self.removed[rows] = True
        self.removed_count += len(rows)

    def removed_rows(self) -> npt.NDArray[np.uint32]:
        """Return the row numbers of the removed rows, ascending."""
        return np.flatnonzero(self.removed).astype(np.uint32)

    def scan_with(self, scan: Scan) -> None:
        """Use this scan of `codes` for every search from now on."""
        self._scan, self._scan_only = scan, True

    @property
    def codes(self) -> npt.NDArray[np.uint64]:
        """The shuffled hashes, uint64[n, 4]."""
        self._check_array("codes")
        return self._arrays.codes.reshape(-1, 4)

    @property
    def ids(self) -> npt.NDArray[np.int64]:
        """The ids, int64[n], ascending."""
        self._check_array("ids")
        return self._arrays.ids

    @property
    def checksums(self) -> npt.NDArray[np.uint64]:
        """The checksum of each block of the buffer."""
        if self._checks.enabled:
            return self._checks.checksums
        return block_checksums(self.buffer.view(np.uint64))

    def search(
        self, codes: npt.NDArray[np.uint64], radius: int, most: int | None = None
    ) -> RawHits:
        """Return the hits within the radius of each shuffled query (uint64[q, 4]).

        With `most`, at least the nearest `most` of each, ties by id, and not many more.
        """
        query_plan = None if self._scan_only else plan(self.rows, radius)
        if query_plan is None:
            return self._with_ids(self._scan_rows(codes, radius, most))
        limit = ALL if most is None else most
        hits, scan, damaged = probe(
            codes, query_plan, limit, self._arrays, self.removed, self._checks
        )
        self._raise_if_damaged(damaged)
        if scan.any():
            queries = np.flatnonzero(scan)
            more = self._scan_rows(codes[queries], radius, most)
            hits = concatenate([hits, more._replace(queries=queries[more.queries])])
        return self._with_ids(hits)

    def warm_up(self) -> None:
        """Search once, so that no caller waits for kernels to be compiled or loaded."""
        self.search(np.zeros((1, 4), np.uint64), _WARM_UP_RADIUS)

    def find(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the row number of each id (int64[n]); -1: not here, or removed."""
        rows = np.minimum(np.searchsorted(self.ids, ids), self.rows - 1)
        present = (self.ids[rows] == ids) & ~self.removed[rows]
        found: npt.NDArray[np.int64] = np.where(present, rows, -1)
        return found

    def remove(self, ids: npt.NDArray[np.int64]) -> int:
        """Remove the rows with these ids (distinct); return how many there were."""
        rows = self.find(ids)
        rows = rows[rows >= 0]
        self.remove_rows(rows)
        return len(rows)

    def _scan_rows(self, codes: npt.NDArray[np.uint64], radius: int, most: int | None) -> RawHits:
        """Scan; return the hits that are not removed, with row numbers for ids."""
        self._check_array("codes")
        removed = self.removed if self.removed_count else None
        return self._scan(codes, radius, most=most, removed=removed)

    def _with_ids(self, hits: RawHits) -> RawHits:
        """Replace row numbers by ids."""
        rows = hits.ids
        if self._checks.enabled and "ids" not in self._checked_arrays:
            for block in np.unique((self._checks.offsets.ids + 8 * rows) // BLOCK).tolist():
                self._raise_if_damaged(find_damaged_block(self._checks, block, block))
        return hits._replace(ids=self._arrays.ids[rows])

    def _check_array(self, name: str) -> None:
        """Check all blocks of an array, the first time only."""
        if not self._checks.enabled or name in self._checked_arrays:
            return
        at = self._checks.offsets
        following = Offsets._fields[Offsets._fields.index(name) + 1]
        first, end = getattr(at, name) // BLOCK, getattr(at, following) // BLOCK
        self._raise_if_damaged(find_damaged_block(self._checks, first, end - 1))
        self._checked_arrays.add(name)

    def _raise_if_damaged(self, block: int) -> None:
        if block >= 0:
            raise DamagedTableError(
                f"{self._name} is damaged at or shortly after byte {block * BLOCK}: delete the "
                "saved table, then rebuild it or copy it again"
            )


def _block_checks(
    buffer: npt.NDArray[np.uint8], at: Offsets, checksums: npt.NDArray[np.uint64] | None
) -> BlockChecks:
    words = buffer.view(np.uint64)
    if checksums is None:
        empty = np.empty(0, np.uint64)
        empty.flags.writeable = False  # the same type, so one compiled kernel serves both cases
        return BlockChecks(False, words, empty, np.empty(0, np.uint8), at)
    return BlockChecks(True, words, checksums, np.zeros(len(checksums), np.uint8), at)


def _zero_padding(buffer: npt.NDArray[np.uint8], rows: int) -> None:
    """Zero the padding between arrays, so that no stale memory reaches a file."""
    arrays, at = view_arrays(buffer, rows), offsets(rows)
    for place, (start, end) in enumerate(pairwise(at)):
        buffer[start + arrays[place].nbytes : end] = 0
