"""The scan on a CUDA device, with FAISS's flat binary index.

That index finds the k nearest rows, with k at most 2,048, and has no range search. So each query
asks for a few rows; if the last of them is still within the radius, for the maximum; and if the
last of those is too, the CPU scans for the query. If only the nearest hits are wanted, a query is
done as soon as enough rows are nearer than the last: which of the equally distant rows a device
returns is not known. The answer is always complete.
"""

import threading
import warnings
from typing import Any, Protocol

import faiss
import numpy as np
import numpy.typing as npt

from .hits import RawHits, concatenate
from .nearest import ROW_BITS
from .scan import Flags, FlatScan

FIRST_K = 32
MAX_K = 2048  # FAISS's limit on a device

_ADVICE = "searches run on the CPU; for CUDA 12, install the extra unseen-index[gpu]"


class NearestSearch(Protocol):
    """A k-nearest-neighbour search."""

    def __call__(
        self, queries: npt.NDArray[np.uint8], k: int
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Return distances (int32[q, k]) and row numbers (int64[q, k]), nearest first."""
        ...


class Device(Protocol):
    """A device that codes can be copied to and scanned on."""

    def load(self, codes: npt.NDArray[np.uint64]) -> "NearestScan":
        """Copy codes (uint64[n, 4]) to the device; return a scan of them."""
        ...


class NearestScan:
    """An exact range search built on a nearest-neighbour search with a limited k."""

    def __init__(
        self, codes: npt.NDArray[np.uint64], nearest: NearestSearch, max_k: int = MAX_K
    ) -> None:
        self._rows, self._nearest = len(codes), nearest
        self._ks = [min(k, self._rows) for k in (FIRST_K, MAX_K) if k <= max_k] or [max_k]
        self._flat = FlatScan(codes)

    def __call__(
        self,
        queries: npt.NDArray[Any],
        radius: int,
        *,
        most: int | None = None,
        removed: Flags | None = None,
    ) -> RawHits:
        """Return hits as `Scan` says."""
        wanted = np.ascontiguousarray(queries).view(np.uint8).reshape(-1, 32)
        pending = np.arange(len(wanted))
        hits = []
        for k in self._ks:
            if not len(pending):
                break
            distances, rows = _sorted(*self._nearest(wanted[pending], k))
            near = distances <= radius
            if removed is not None:
                near &= ~removed[rows]
            complete = (distances[:, -1] > radius) | (k >= self._rows)
            if most is not None:
                complete |= (near & (distances < distances[:, -1:])).sum(axis=1) >= most
                near &= near.cumsum(axis=1) <= most
            hits.append(
                _flat_hits(pending[complete], distances[complete], rows[complete], near[complete])
            )
            pending = pending[~complete]
        rest = self._flat(wanted[pending], radius, most=most, removed=removed)
        return concatenate([*hits, rest._replace(queries=pending[rest.queries])])


class CudaDevice:
    """The first CUDA device, used by one thread at a time, as FAISS's resources require."""

    def __init__(self) -> None:
        self._resources: Any = faiss.StandardGpuResources()
        self._lock = threading.Lock()

    def load(self, codes: npt.NDArray[np.uint64]) -> NearestScan:
        """Copy codes (uint64[n, 4]) to the device; return a scan of them."""
        with self._lock:
            # faiss.index_cpu_to_gpu is for float indexes only.
            index: Any = faiss.GpuIndexBinaryFlat(self._resources, 256)
            index.add(np.ascontiguousarray(codes).view(np.uint8).reshape(-1, 32))

        def nearest(
            queries: npt.NDArray[np.uint8], k: int
        ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
            with self._lock:
                distances, rows = index.search(queries, k)
            return distances, rows

        return NearestScan(codes, nearest)


def find_device(device: "str | Device") -> "Device | None":
    """Return the device for a name, or None for the CPU; a Device is returned as it is.

    If "cuda" cannot be used, warns (RuntimeWarning) and returns None. Raises ValueError for any
    other name.
    """
    if not isinstance(device, str):
        return device
    if device not in {"cpu", "cuda"}:
        raise ValueError(f'the device must be "cpu" or "cuda", not {device!r}')
    if device == "cpu":
        return None
    if not hasattr(faiss, "GpuIndexBinaryFlat"):
        warnings.warn(
            f"this build of FAISS has no CUDA support: {_ADVICE}", RuntimeWarning, stacklevel=3
        )
        return None
    if faiss.get_num_gpus() == 0:
        warnings.warn(f"no CUDA device found: {_ADVICE}", RuntimeWarning, stacklevel=3)
        return None
    return CudaDevice()


def _sorted(
    distances: npt.NDArray[np.int32], rows: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Sort each query's rows by distance, then by row number."""
    keys = np.sort((distances.astype(np.int64) << ROW_BITS) | rows, axis=1)
    return keys >> ROW_BITS, keys & ((1 << ROW_BITS) - 1)


def _flat_hits(
    queries: npt.NDArray[np.int64],
    distances: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64],
    near: Flags,
) -> RawHits:
    return RawHits(
        np.repeat(queries, near.sum(axis=1)),
        rows[near].astype(np.int64),
        distances[near].astype(np.int32),
    )
