"""Fill a segment's part tables from its codes: one counting sort a part."""

import numpy as np
import numpy.typing as npt

from .jit import compiled
from .layout import BUCKETS, PARTS, Tables


def fill(tables: Tables) -> None:
    """Fill starts, nexts and rows from the codes, which must be there already."""
    parts = tables.codes.view(np.uint16).reshape(-1, PARTS)
    n = len(parts)
    for part in range(PARTS):
        span = slice(part * n, (part + 1) * n)
        _fill_part(
            np.ascontiguousarray(parts[:, part]),
            np.ascontiguousarray(parts[:, (part + 1) % PARTS]),
            tables.starts[part * (BUCKETS + 1) : (part + 1) * (BUCKETS + 1)],
            tables.nexts[span],
            tables.rows[3 * span.start : 3 * span.stop],
        )


@compiled
def _fill_part(
    values: npt.NDArray[np.uint16],
    next_values: npt.NDArray[np.uint16],
    starts: npt.NDArray[np.uint32],
    nexts: npt.NDArray[np.uint16],
    rows: npt.NDArray[np.uint8],
) -> None:
    """Sort the rows by value; rows of one bucket stay in ascending order."""
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
        nexts[entry] = next_values[row]
        rows[3 * entry] = row & 0xFF
        rows[3 * entry + 1] = (row >> 8) & 0xFF
        rows[3 * entry + 2] = row >> 16
