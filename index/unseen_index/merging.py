"""Which segments to merge, and how.

As rows are added, segments of similar size are merged, so that each row is rewritten a logarithmic
number of times and there are few segments (the logarithmic method: Bentley and Saxe, "Decomposable
searching problems", 1980). An explicit merge leaves as few segments as possible.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .layout import ROWS_MAX
from .segment import Segment

_FULL = ROWS_MAX // 2  # two segments of this size would not fit into one
_MOSTLY_LIVE = 7 / 8


class Rows(NamedTuple):
    """Rows for a segment: distinct ids (int64[n]) and codes (uint64[n, 4]), in any order."""

    ids: npt.NDArray[np.int64]
    codes: npt.NDArray[np.uint64]


class SegmentSnapshot:
    """A segment that is being merged, as it was when the merge began."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self._removed = segment.removed.copy()

    def rows(self) -> Rows:
        """Return the rows that had not been removed."""
        kept = np.flatnonzero(~self._removed)
        if len(kept) == self.segment.rows:
            return Rows(self.segment.ids, self.segment.codes)
        return Rows(self.segment.ids[kept], self.segment.codes[kept])

    def ids_removed_since(self) -> npt.NDArray[np.int64]:
        """Return the ids of the rows that have been removed since."""
        return self.segment.ids[self.segment.removed & ~self._removed]


def choose_for_rows(segments: Sequence[Segment], rows: int) -> list[Segment]:
    """Return the segments, from the last backwards, to merge with `rows` new rows."""
    chosen: list[Segment] = []
    for segment in reversed(segments):
        if len(segment) > 2 * rows or rows + len(segment) > ROWS_MAX:
            break
        chosen.append(segment)
        rows += len(segment)
    return chosen


def choose_for_merge(segments: Sequence[Segment]) -> list[Segment]:
    """Return the segments that a merge can improve: not full, or with many removed rows."""
    return [
        segment
        for segment in segments
        if segment.rows < _FULL or len(segment) < _MOSTLY_LIVE * segment.rows
    ]


def group(snapshots: Sequence[SegmentSnapshot], rows: int) -> list[list[SegmentSnapshot]]:
    """Split snapshots into groups that each fit into a segment; the first fits `rows` more."""
    groups: list[list[SegmentSnapshot]] = [[]]
    for snapshot in snapshots:
        if rows + len(snapshot.segment) > ROWS_MAX:
            groups.append([])
            rows = 0
        groups[-1].append(snapshot)
        rows += len(snapshot.segment)
    return groups


def build_segments(sources: Sequence[Rows]) -> list[Segment]:
    """Build one segment of all these rows and warm it up; return no segment if there are none."""
    some = [source for source in sources if len(source.ids)]
    if not some:
        return []
    if len(some) == 1:
        segment = Segment.build(some[0].ids, some[0].codes)
    else:
        ids, codes = zip(*some, strict=True)
        segment = Segment.build(np.concatenate(ids), np.concatenate(codes))
    segment.warm_up()
    return [segment]
