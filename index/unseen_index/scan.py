"""The exhaustive scan: FAISS's, over hashes in memory or in a memory-mapped file."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import faiss
import numpy as np
import numpy.typing as npt

from .hits import RawHits, concatenate

_CODE_BYTES = 32
_DISTANCES = 8 * _CODE_BYTES + 1
_MULTITHREADED_FROM = 1 << 26  # comparisons, some 50 ms; threads cost more than they save below
_RANGE_COMPARISONS = 1 << 20  # how many hits a slice may have before the nearest are chosen
_KNN_BYTES = 8 << 20  # what FAISS may allocate to find the nearest rows of a slice

Flags = npt.NDArray[np.bool_]


class Scan(Protocol):
    """A search that compares each query with every row."""

    def __call__(
        self,
        queries: npt.NDArray[Any],
        radius: int,
        *,
        most: int | None = None,
        removed: Flags | None = None,
    ) -> RawHits:
        """Return the hits, with row numbers for ids, of queries of 32 bytes each.

        With `most`, at least the nearest `most` of each query, ties by row number, and not many
        more. Rows that are flagged in `removed` (bool[n]) are skipped.
        """
        ...


class FlatScan:
    """Compares every query with every row. Any number of threads may scan at once."""

    def __init__(self, codes: npt.NDArray[Any]) -> None:
        """Set the codes to scan, 32 contiguous bytes per row of any dtype. They are not copied."""
        self._codes = codes.view(np.uint8).reshape(-1, _CODE_BYTES)

    def __call__(
        self,
        queries: npt.NDArray[Any],
        radius: int,
        *,
        most: int | None = None,
        removed: Flags | None = None,
    ) -> RawHits:
        """Return hits as `Scan` says."""
        wanted = np.ascontiguousarray(queries).view(np.uint8).reshape(-1, _CODE_BYTES)
        if not (len(wanted) and len(self._codes)):
            return concatenate([])
        if most is None:
            return _without(self._range(wanted, radius), removed)
        step = max(1, _slice_queries(len(self._codes), most))
        if len(wanted) <= step:
            return self._nearest(wanted, radius, most, removed)
        found = []
        for start in range(0, len(wanted), step):
            hits = self._nearest(wanted[start : start + step], radius, most, removed)
            found.append(hits._replace(queries=hits.queries + start))
        return concatenate(found)

    def _nearest(
        self, wanted: npt.NDArray[np.uint8], radius: int, most: int, removed: Flags | None
    ) -> RawHits:
        """Return the nearest `most` hits of a few queries.

        The range search is faster, and nearly always enough: few rows are near any query.
        """
        if len(wanted) * len(self._codes) <= _RANGE_COMPARISONS:
            hits = _without(self._range(wanted, radius), removed)
            if len(hits.queries) <= most or np.bincount(hits.queries).max() <= most:
                return hits
        distances, rows = self._knn(wanted, min(most, len(self._codes)), removed)
        near = (rows >= 0) & (distances <= radius)
        return RawHits(
            np.repeat(np.arange(len(wanted)), near.sum(axis=1)), rows[near], distances[near]
        )

    def _range(self, wanted: npt.NDArray[np.uint8], radius: int) -> RawHits:
        found = faiss.RangeSearchResult(len(wanted))
        with _threads(_thread_limit(len(wanted), len(self._codes))):
            scan: Any = faiss.hamming_range_search  # type: ignore[attr-defined]
            scan(
                faiss.swig_ptr(wanted),
                faiss.swig_ptr(self._codes),
                len(wanted),
                len(self._codes),
                radius + 1,  # FAISS excludes the bound
                _CODE_BYTES,
                found,
            )
        limits = faiss.rev_swig_ptr(found.lims, len(wanted) + 1).astype(np.int64)
        count = int(limits[-1])
        return RawHits(
            np.repeat(np.arange(len(wanted)), np.diff(limits)),
            faiss.rev_swig_ptr(found.labels, count).copy(),
            faiss.rev_swig_ptr(found.distances, count).astype(np.int32),
        )

    def _knn(
        self, wanted: npt.NDArray[np.uint8], k: int, removed: Flags | None
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Return the nearest k rows of each query, ties by row number; -1 if there are fewer.

        FAISS counts rows by distance, in their order, so which of equally distant rows it keeps
        does not depend on chance.
        """
        distances = np.empty((len(wanted), k), np.int32)
        rows = np.empty((len(wanted), k), np.int64)
        kept = None if removed is None else np.packbits(~removed, bitorder="little")
        with _threads(_thread_limit(len(wanted), len(self._codes))):
            search: Any = faiss.hammings_knn_mc
            search(
                faiss.swig_ptr(wanted),
                faiss.swig_ptr(self._codes),
                len(wanted),
                len(self._codes),
                k,
                _CODE_BYTES,
                faiss.swig_ptr(distances),
                faiss.swig_ptr(rows),
                None
                if kept is None
                else faiss.IDSelectorBitmap(len(self._codes), faiss.swig_ptr(kept)),
            )
        return distances, rows


def _slice_queries(rows: int, most: int) -> int:
    """Return how many queries are searched at a time: their hits take a few megabytes at most."""
    by_knn = _KNN_BYTES // (_DISTANCES * most * 8)
    return min(by_knn, _RANGE_COMPARISONS // rows) if rows <= _RANGE_COMPARISONS else by_knn


def _without(hits: RawHits, removed: Flags | None) -> RawHits:
    """Return the hits whose rows are not removed."""
    if removed is None or not len(hits.queries):
        return hits
    kept = ~removed[hits.ids]
    return RawHits(hits.queries[kept], hits.ids[kept], hits.distances[kept])


def _thread_limit(queries: int, rows: int) -> int | None:
    return 1 if queries == 1 or queries * rows < _MULTITHREADED_FROM else None


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Limit FAISS to this many threads for calls from this thread; None: do not change it.

    OpenMP keeps the limit per calling thread, so other threads are not affected.
    """
    if count is None:
        yield
        return
    previous = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(previous)
