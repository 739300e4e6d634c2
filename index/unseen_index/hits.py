"""What a search found, and how the findings of several parts become one answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Found(NamedTuple):
    """Hits in one part of a table, in any order."""

    queries: npt.NDArray[np.int64]
    ids: npt.NDArray[np.int64]  # or rows, where a docstring says so
    distances: npt.NDArray[np.int32]  # in bits


@dataclass(frozen=True, slots=True)
class Hits:
    """What a search of q queries found, in compressed rows.

    Query i's hits are ``ids[limits[i]:limits[i + 1]]``, nearest first (ties by id).

    limits: int64[q + 1]; ids: int64[n]; distances: int32[n], in bits.
    """

    limits: npt.NDArray[np.int64]
    ids: npt.NDArray[np.int64]
    distances: npt.NDArray[np.int32]

    @classmethod
    def of(cls, count: int, parts: Sequence[Found]) -> "Hits":
        """Order the hits of `count` queries that the parts of a table found."""
        queries, ids, distances = joined(parts)
        limits = np.zeros(count + 1, np.int64)
        if len(queries):
            order = np.lexsort((ids, distances, queries))
            ids, distances = ids[order], distances[order]
            np.cumsum(np.bincount(queries, minlength=count), out=limits[1:])
        return cls(limits, ids, distances)


def joined(parts: Sequence[Found]) -> Found:
    """Put several findings into one."""
    some = [part for part in parts if len(part.queries)]
    if len(some) == 1:
        return some[0]
    if not some:
        return Found(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int32))
    return Found(*(np.concatenate(columns) for columns in zip(*some, strict=True)))
