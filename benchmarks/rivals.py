"""The indexes that users could pick instead, behind one shape: build, then look up a batch."""

from collections.abc import Callable
from typing import Any

import faiss
import numpy as np
from threatexchange.signal_type.pdq.pdq_index import PDQIndex

from .hashes import Hashes

RADIUS = 31
Lookup = Callable[[Hashes], int]  # answers how many rows it found


def flat(hashes: Hashes) -> Lookup:
    """FAISS's scan."""
    return _faiss(faiss.IndexBinaryFlat(256), hashes)


def multi_hash(hashes: Hashes) -> Lookup:
    """FAISS's multi-index of 16 x 16 bits, exact at 31 when it flips one bit."""
    index = faiss.IndexBinaryMultiHash(256, 16, 16)
    index.nflip = 1
    return _faiss(index, hashes)


def pdq_index(hashes: Hashes) -> Lookup:
    """Build threatexchange's PDQIndex, the default of Hasher-Matcher-Actioner."""
    index: Any = PDQIndex((row.tobytes().hex(), place) for place, row in enumerate(hashes))

    def look_up(queries: Hashes) -> int:
        return sum(len(index.query(query.tobytes().hex())) for query in queries)

    return look_up


def _faiss(index: Any, hashes: Hashes) -> Lookup:
    index.add(hashes)

    def look_up(queries: Hashes) -> int:
        limits, _, _ = index.range_search(queries, RADIUS + 1)  # strictly below
        return int(np.asarray(limits)[-1])

    return look_up
