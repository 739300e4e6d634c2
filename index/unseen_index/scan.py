"""The exhaustive scan: FAISS's, over hashes in memory or in a memory-mapped file."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from .hits import RawHits

_CODE_BYTES = 32
_MULTITHREADED_FROM = 1 << 26  # comparisons, some 50 ms; threads cost more than they save below


class FlatScan:
    """Compares every query with every row. Any number of threads may scan at once."""

    def __init__(self, codes: npt.NDArray[Any]) -> None:
        """Set the codes to scan, 32 contiguous bytes per row of any dtype. They are not copied."""
        self._codes = codes.view(np.uint8).reshape(-1, _CODE_BYTES)

    def __call__(self, queries: npt.NDArray[Any], radius: int) -> RawHits:
        """Return the hits, with row numbers for ids, of queries of 32 bytes each."""
        wanted = np.ascontiguousarray(queries).view(np.uint8).reshape(-1, _CODE_BYTES)
        work = len(wanted) * len(self._codes)
        if not work:
            return RawHits(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int32))
        found = faiss.RangeSearchResult(len(wanted))
        with _threads(1 if len(wanted) == 1 or work < _MULTITHREADED_FROM else None):
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
