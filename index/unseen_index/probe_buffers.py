"""The buffers of a probe, reused from query to query and enlarged when needed."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .hits import RawHits
from .jit import jit
from .layout import PARTS
from .plan import SHELLS


class EntryRanges(NamedTuple):
    """The buckets to read: entries start to end, of which those within bound bits of key pass."""

    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    key: npt.NDArray[np.uint16]
    bound: npt.NDArray[np.uint16]


class Buffers(NamedTuple):
    """The ranges of a query's buckets, and its candidates: the entries that pass the filter."""

    ranges: EntryRanges
    candidates: npt.NDArray[np.int64]


@jit
def new_hits(capacity: int) -> RawHits:
    """Allocate hits."""
    return RawHits(
        np.empty(capacity, np.int64), np.empty(capacity, np.int64), np.empty(capacity, np.int32)
    )


@jit
def reserve_hits(hits: RawHits, used: int, needed: int) -> RawHits:
    """Return hits with a capacity of at least `needed`, keeping the first `used`."""
    if len(hits.ids) >= needed:
        return hits
    larger = new_hits(2 * needed)
    larger.queries[:used] = hits.queries[:used]
    larger.ids[:used] = hits.ids[:used]
    larger.distances[:used] = hits.distances[:used]
    return larger


@jit
def new_ranges(capacity: int) -> EntryRanges:
    """Allocate ranges."""
    return EntryRanges(
        np.empty(capacity, np.int64),
        np.empty(capacity, np.int64),
        np.empty(capacity, np.uint16),
        np.empty(capacity, np.uint16),
    )


@jit
def reserve_ranges(ranges: EntryRanges, thresholds: npt.NDArray[np.int8]) -> EntryRanges:
    """Return ranges with capacity for every bucket within the thresholds; content is not kept."""
    needed = 0
    for part in range(PARTS):
        needed += SHELLS[thresholds[part] + 1]
    return ranges if len(ranges.start) >= needed else new_ranges(needed)


@jit
def row_number(rows: npt.NDArray[np.uint8], entry: np.int64) -> np.int64:
    """Read the three-byte row number of an entry."""
    low, middle, high = rows[3 * entry], rows[3 * entry + 1], rows[3 * entry + 2]
    return np.int64(low) | (np.int64(middle) << 8) | (np.int64(high) << 16)
