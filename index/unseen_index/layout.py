"""The layout of a segment: one buffer, the same in memory and in a file.

A segment holds n rows (1 to 2**24) sorted by id. Each hash is split into PARTS parts of PART_BITS
bits; for each part there is a table of all rows, sorted by that part's value:

    starts      uint32[PARTS, BUCKETS + 1]  bucket v of part p is entries starts[p, v] to
                                            starts[p, v + 1]
    next_parts  uint16[PARTS, n]            for each entry, the value of the row's NEXT part
    rows        uint8[PARTS, n, 3]          for each entry, the row number, little-endian
    ids         int64[n]                    for each row, its id, ascending
    codes       uint64[n, 4]                for each row, its hash with the bits shuffled

Besides the 32 bytes of the code that is 5 x 16 + 8 = 88 bytes per hash, and 4 MiB per segment.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

PARTS = 16
PART_BITS = 16
BUCKETS = 1 << PART_BITS
ROWS_MAX = 1 << 24  # a row number has three bytes
ALIGNMENT = 1 << 14  # each array starts on a checksum block

Bytes = npt.NDArray[np.uint8]


class SegmentArrays(NamedTuple):
    """A segment's arrays, each one-dimensional, all views of one buffer (see the module)."""

    starts: npt.NDArray[np.uint32]
    next_parts: npt.NDArray[np.uint16]
    rows: Bytes
    ids: npt.NDArray[np.int64]
    codes: npt.NDArray[np.uint64]


class Offsets(NamedTuple):
    """The offset of each array in the buffer, and the length of the buffer, in bytes."""

    starts: int
    next_parts: int
    rows: int
    ids: int
    codes: int
    total: int


def offsets(n: int) -> Offsets:
    """Return the offsets of the arrays of a segment of n rows."""
    lengths = [4 * PARTS * (BUCKETS + 1), 2 * PARTS * n, 3 * PARTS * n, 8 * n, 32 * n]
    places = [0]
    for length in lengths:
        places.append(places[-1] + -(-length // ALIGNMENT) * ALIGNMENT)
    return Offsets(*places)


def view_arrays(buffer: Bytes, n: int) -> SegmentArrays:
    """View a buffer of offsets(n).total bytes as the arrays of a segment of n rows."""
    at = offsets(n)

    def view(start: int, dtype: str, count: int) -> Any:
        return buffer[start : start + count * np.dtype(dtype).itemsize].view(dtype)

    return SegmentArrays(
        starts=view(at.starts, "<u4", PARTS * (BUCKETS + 1)),
        next_parts=view(at.next_parts, "<u2", PARTS * n),
        rows=view(at.rows, "<u1", PARTS * n * 3),
        ids=view(at.ids, "<i8", n),
        codes=view(at.codes, "<u8", n * 4),
    )
