"""The alternatives to unseen_index, behind one interface: build, then look up a batch."""

from collections.abc import Callable
from typing import Any

import faiss
import numpy as np
from threatexchange.signal_type.pdq.pdq_index import PDQIndex

from .datasets import Hashes

RADIUS = 31
Lookup = Callable[[Hashes], int]  # returns the number of hits


def flat(hashes: Hashes) -> Lookup:
    """Build FAISS's IndexBinaryFlat: an exhaustive scan."""
    return _faiss(faiss.IndexBinaryFlat(256), hashes)


def multi_hash(hashes: Hashes) -> Lookup:
    """Build FAISS's multi-index of 16 x 16 bits; flipping one bit makes it exact at radius 31."""
    index = faiss.IndexBinaryMultiHash(256, 16, 16)
    index.nflip = 1
    return _faiss(index, hashes)


def pdq_index(hashes: Hashes) -> Lookup:
    """Build threatexchange's PDQIndex, the default of Hasher-Matcher-Actioner."""
    index: Any = PDQIndex((row.tobytes().hex(), number) for number, row in enumerate(hashes))

    def look_up(queries: Hashes) -> int:
        return sum(len(index.query(query.tobytes().hex())) for query in queries)

    return look_up


def _faiss(index: Any, hashes: Hashes) -> Lookup:
    index.add(hashes)

    def look_up(queries: Hashes) -> int:
        limits, _, _ = index.range_search(queries, RADIUS + 1)  # the bound is exclusive
        return int(np.asarray(limits)[-1])

    return look_up
