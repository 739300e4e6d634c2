"""The checks of the blocks that a query reads, before its hits are trusted."""

import numpy as np
import numpy.typing as npt

from .checksums import BLOCK, BlockChecks, find_damaged_block
from .jit import jit
from .layout import SegmentArrays
from .probe_buffers import Buffers, EntryRanges, row_number


@jit
def find_damage(
    buffers: Buffers,
    range_count: np.int64,
    candidate_count: int,
    arrays: SegmentArrays,
    checks: BlockChecks,
) -> int:
    """Check everything that a query has read; return the number of a damaged block or -1."""
    if not checks.enabled:
        return -1
    damaged = _check_ranges(buffers.ranges, range_count, checks)
    if damaged >= 0:
        return damaged
    return _check_candidates(buffers.candidates, candidate_count, arrays, checks)


@jit
def _check_ranges(ranges: EntryRanges, range_count: np.int64, checks: BlockChecks) -> int:
    """Check the entries of the buckets; return the number of a damaged block or -1."""
    # Numba counts references to an array that a loop takes out of a tuple: take them out first.
    starts, ends, checked, at = ranges.start, ranges.end, checks.checked, checks.offsets.next_parts
    for place in range(range_count):
        block = (at + 2 * starts[place]) // BLOCK
        last = (at + 2 * ends[place] - 1) // BLOCK
        while block <= last and checked[block]:
            block += 1
        if block <= last:
            damaged = find_damaged_block(checks, block, last)
            if damaged >= 0:
                return damaged
    return -1


@jit
def _check_candidates(
    candidates: npt.NDArray[np.int64],
    candidate_count: int,
    arrays: SegmentArrays,
    checks: BlockChecks,
) -> int:
    """Check the row numbers and codes of candidates; return the number of a damaged block or -1."""
    checked, rows, at = checks.checked, arrays.rows, checks.offsets
    for entry in candidates[:candidate_count]:
        # The array starts on a block boundary, but a row number may straddle two blocks.
        block, last = (at.rows + 3 * entry) // BLOCK, (at.rows + 3 * entry + 2) // BLOCK
        if not (checked[block] and checked[last]):
            damaged = find_damaged_block(checks, block, last)
            if damaged >= 0:
                return damaged
        code = (at.codes + 32 * row_number(rows, entry)) // BLOCK
        if not checked[code]:
            damaged = find_damaged_block(checks, code, code)
            if damaged >= 0:
                return damaged
    return -1
