"""Which segments to merge, and the merging itself.

As rows are added, segments of similar size are joined, so that each row is rewritten a
logarithmic number of times and there are few segments (the logarithmic method: Bentley and
Saxe, "Decomposable searching problems", 1980). A merge that is asked for leaves as few segments
as can be.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .layout import ROWS_MAX
from .segment import Segment

_FULL = ROWS_MAX // 2  # two segments of this size could not become one
_MOSTLY_ALIVE = 7 / 8


class Rows(NamedTuple):
    """Rows for a segment: distinct ids (int64[n]) and codes (uint64[n, 4]), in any order."""

    ids: npt.NDArray[np.int64]
    codes: npt.NDArray[np.uint64]


class Cut:
    """A segment that is being merged, and its removed rows when that began."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self._removed = segment.removed.copy()

    def rows(self) -> Rows:
        """Return the rows that were there."""
        kept = np.flatnonzero(~self._removed)
        if len(kept) == self.segment.rows:
            return Rows(self.segment.ids, self.segment.codes)
        return Rows(self.segment.ids[kept], self.segment.codes[kept])

    def removed_since(self) -> npt.NDArray[np.int64]:
        """Return the ids of the rows that were removed since."""
        return self.segment.ids[self.segment.removed & ~self._removed]


def to_join(segments: Sequence[Segment], rows: int) -> list[Segment]:
    """Choose the last segments that `rows` new rows should join."""
    chosen: list[Segment] = []
    for segment in reversed(segments):
        if len(segment) > 2 * rows or rows + len(segment) > ROWS_MAX:
            break
        chosen.append(segment)
        rows += len(segment)
    return chosen


def to_merge(segments: Sequence[Segment]) -> list[Segment]:
    """Choose the segments that a merge can improve: not yet full, or with many removed rows."""
    return [
        segment
        for segment in segments
        if segment.rows < _FULL or len(segment) < _MOSTLY_ALIVE * segment.rows
    ]


def grouped(cuts: Sequence[Cut], rows: int) -> list[list[Cut]]:
    """Put segments into groups that fit a segment each; the first has room for `rows` more."""
    groups: list[list[Cut]] = [[]]
    for cut in cuts:
        if rows + len(cut.segment) > ROWS_MAX:
            groups.append([])
            rows = 0
        groups[-1].append(cut)
        rows += len(cut.segment)
    return groups


def built(sources: Sequence[Rows]) -> list[Segment]:
    """Build the segment of these rows, warm; none when there are no rows."""
    some = [source for source in sources if len(source.ids)]
    if not some:
        return []
    if len(some) == 1:
        segment = Segment.build(some[0].ids, some[0].codes)
    else:
        ids, codes = zip(*some, strict=True)
        segment = Segment.build(np.concatenate(ids), np.concatenate(codes))
    segment.warm()
    return [segment]
