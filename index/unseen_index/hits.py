"""What a search found, and how the hits of several segments become one answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class RawHits(NamedTuple):
    """Hits in one segment or memtable, in any order: parallel arrays."""

    queries: npt.NDArray[np.int64]  # the position of each hit's query
    ids: npt.NDArray[np.int64]  # or row numbers, if the docstring says so
    distances: npt.NDArray[np.int32]  # in bits


@dataclass(frozen=True, slots=True)
class Hits:
    """The hits of q queries in compressed sparse row (CSR) form.

    Query i's hits are ``ids[limits[i]:limits[i + 1]]``, nearest first (ties by id).

    limits: int64[q + 1]; ids: int64[n]; distances: int32[n], in bits.
    """

    limits: npt.NDArray[np.int64]
    ids: npt.NDArray[np.int64]
    distances: npt.NDArray[np.int32]

    @classmethod
    def from_raw(cls, count: int, raw: Sequence[RawHits]) -> "Hits":
        """Sort the raw hits of `count` queries into one answer."""
        queries, ids, distances = concatenate(raw)
        limits = np.zeros(count + 1, np.int64)
        if len(queries):
            order = np.lexsort((ids, distances, queries))
            ids, distances = ids[order], distances[order]
            np.cumsum(np.bincount(queries, minlength=count), out=limits[1:])
        return cls(limits, ids, distances)


def concatenate(raw: Sequence[RawHits]) -> RawHits:
    """Concatenate raw hits."""
    some = [hits for hits in raw if len(hits.queries)]
    if len(some) == 1:
        return some[0]
    if not some:
        return RawHits(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int32))
    return RawHits(*(np.concatenate(columns) for columns in zip(*some, strict=True)))
