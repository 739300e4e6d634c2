"""The plain scan: FAISS's, over hashes where they lie (in memory or in a mapped file)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from .hits import Found

_CODE_BYTES = 32
_WORTH_THREADS = 1 << 26  # comparisons; below some 50 ms of work, threads cost more than they gain


class FlatScan:
    """Compare every query with every row. Any number of threads may scan at once."""

    def __init__(self, codes: npt.NDArray[Any]) -> None:
        """Scan codes: 32 bytes a row, contiguous, of any dtype. They are not copied."""
        self._codes = codes.view(np.uint8).reshape(-1, _CODE_BYTES)

    def __call__(self, queries: npt.NDArray[Any], radius: int) -> Found:
        """Find (query, row, distance) within the radius of queries of 32 bytes each."""
        wanted = np.ascontiguousarray(queries).view(np.uint8).reshape(-1, _CODE_BYTES)
        work = len(wanted) * len(self._codes)
        if not work:
            return Found(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int32))
        found = faiss.RangeSearchResult(len(wanted))
        with _threads(1 if len(wanted) == 1 or work < _WORTH_THREADS else None):
            scan: Any = faiss.hamming_range_search  # type: ignore[attr-defined]
            scan(
                faiss.swig_ptr(wanted),
                faiss.swig_ptr(self._codes),
                len(wanted),
                len(self._codes),
                radius + 1,  # FAISS returns distances strictly below
                _CODE_BYTES,
                found,
            )
        limits = faiss.rev_swig_ptr(found.lims, len(wanted) + 1).astype(np.int64)
        count = int(limits[-1])
        return Found(
            np.repeat(np.arange(len(wanted)), np.diff(limits)),
            faiss.rev_swig_ptr(found.labels, count).copy(),
            faiss.rev_swig_ptr(found.distances, count).astype(np.int32),
        )


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Let FAISS use this many threads for what this thread asks of it; None: as it is set.

    OpenMP keeps the number for each calling thread, so other threads are left alone.
    """
    if count is None:
        yield
        return
    usual = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(usual)
