"""The table of hashes: add, remove, and search within a Hamming radius, exactly."""

import threading
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

HASH_BYTES = 32
HASH_BITS = 8 * HASH_BYTES


@dataclass(frozen=True, slots=True)
class Hits:
    """What a search of q queries found, in compressed rows.

    Query i's hits are ``ids[limits[i]:limits[i + 1]]``, nearest first (ties by id).

    limits: int64[q + 1]; ids: int64[n]; distances: int32[n], in bits.
    """

    limits: npt.NDArray[np.int64]
    ids: npt.NDArray[np.int64]
    distances: npt.NDArray[np.int32]


class HashTable:
    """A mutable set of (id, hash) rows, searched exactly; any number of readers, one writer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flat: Any = faiss.IndexBinaryFlat(HASH_BITS)
        self._ids = np.empty(0, np.int64)

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, ids: npt.NDArray[np.int64], hashes: npt.NDArray[np.uint8]) -> None:
        """Add hashes (uint8[n, 32]) under ids (int64[n], 0 to 2**63 - 1, not yet in the table).

        Raises ValueError on a wrong shape, dtype or range, and on an id that is there already.
        """
        ids, hashes = _checked_ids(ids), _checked_hashes(hashes)
        if len(ids) != len(hashes):
            raise ValueError(f"{len(ids)} ids for {len(hashes)} hashes; give one id a hash")
        if len(np.unique(ids)) != len(ids) or np.isin(ids, self._ids).any():
            raise ValueError("an id is in the table already; remove it first, or use a new one")
        with self._lock:
            self._flat.add(hashes)
            self._ids = np.concatenate([self._ids, ids])

    def remove(self, ids: npt.NDArray[np.int64]) -> int:
        """Remove the rows with these ids (int64[n]); return how many there were."""
        gone = np.isin(self._ids, _checked_ids(ids))
        with self._lock:
            kept: Any = faiss.IndexBinaryFlat(HASH_BITS)
            codes = faiss.vector_to_array(self._flat.xb).reshape(-1, HASH_BYTES)
            kept.add(np.ascontiguousarray(codes[~gone]))
            self._flat, self._ids = kept, self._ids[~gone]
        return int(gone.sum())

    def search(self, queries: npt.NDArray[np.uint8], radius: int) -> Hits:
        """Find every row within `radius` bits (inclusive, 0 to 256) of each query (uint8[q, 32]).

        Raises ValueError on a wrong shape, dtype or radius.
        """
        queries = _checked_hashes(queries)
        if not 0 <= radius <= HASH_BITS:
            raise ValueError(f"the radius is 0 to {HASH_BITS} bits, not {radius}")
        with self._lock:
            flat, ids = self._flat, self._ids
            # FAISS returns distances strictly below its radius.
            limits, distances, rows = flat.range_search(queries, radius + 1)
        limits = limits.astype(np.int64)
        found, distances = ids[rows], distances.astype(np.int32)
        query = np.repeat(np.arange(len(queries)), np.diff(limits))
        order = np.lexsort((found, distances, query))
        return Hits(limits, found[order], distances[order])


def _checked_ids(ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    ids = np.asarray(ids)
    if ids.ndim != 1 or ids.dtype != np.int64:
        raise ValueError(f"ids are int64[n], not {ids.dtype}{list(ids.shape)}")
    if len(ids) and ids.min() < 0:
        raise ValueError("ids are 0 to 2**63 - 1; one is negative")
    return ids


def _checked_hashes(hashes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    hashes = np.asarray(hashes)
    if hashes.ndim != 2 or hashes.shape[1] != HASH_BYTES or hashes.dtype != np.uint8:
        raise ValueError(
            f"hashes are uint8[n, {HASH_BYTES}], not {hashes.dtype}{list(hashes.shape)}"
        )
    return np.ascontiguousarray(hashes)
