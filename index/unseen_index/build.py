"""Fill a segment's part tables from its codes, with one counting sort per part."""

import numpy as np
import numpy.typing as npt

from .jit import jit
from .layout import BUCKETS, PARTS, SegmentArrays


def fill(arrays: SegmentArrays) -> None:
    """Fill starts, next_parts and rows from the codes, which must already be set."""
    parts = arrays.codes.view(np.uint16).reshape(-1, PARTS)
    n = len(parts)
    for part in range(PARTS):
        entries = slice(part * n, (part + 1) * n)
        _fill_part(
            np.ascontiguousarray(parts[:, part]),
            np.ascontiguousarray(parts[:, (part + 1) % PARTS]),
            arrays.starts[part * (BUCKETS + 1) : (part + 1) * (BUCKETS + 1)],
            arrays.next_parts[entries],
            arrays.rows[3 * entries.start : 3 * entries.stop],
        )


@jit
def _fill_part(
    values: npt.NDArray[np.uint16],
    next_values: npt.NDArray[np.uint16],
    starts: npt.NDArray[np.uint32],
    next_parts: npt.NDArray[np.uint16],
    rows: npt.NDArray[np.uint8],
) -> None:
    """Sort the rows by value; the rows of a bucket stay in ascending order."""
    starts[:] = 0
    for value in values:
        starts[np.int64(value) + 1] += np.uint32(1)
    for bucket in range(BUCKETS):
        starts[bucket + 1] += starts[bucket]
    cursor = starts[:BUCKETS].copy()
    for row in range(len(values)):
        value = values[row]
        entry = np.int64(cursor[value])
        cursor[value] += np.uint32(1)
        next_parts[entry] = next_values[row]
        rows[3 * entry] = row & 0xFF
        rows[3 * entry + 1] = (row >> 8) & 0xFF
        rows[3 * entry + 2] = row >> 16
