"""The scan on a CUDA device, by FAISS's flat binary index.

That index finds the k nearest rows, with k at most 2,048, and knows no radius. So it is asked
for a few rows, for as many as it can give where the last of the few was still within the
radius, and where even the last of those was, the query is scanned on the CPU. The answer is
always whole.
"""

import threading
import warnings
from typing import Any, Protocol

import faiss
import numpy as np
import numpy.typing as npt

from .hits import Found, joined
from .scan import FlatScan

FIRST_K = 32
MOST_K = 2048  # what FAISS allows on a device

_ADVICE = "searches run on the CPU; install the extra unseen-index[gpu] on a machine with CUDA 12"


class Nearest(Protocol):
    """The k nearest rows of each query (uint8[q, 32]): distances int32[q, k], rows int64[q, k]."""

    def __call__(
        self, queries: npt.NDArray[np.uint8], k: int
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Find them, in order of distance."""
        ...


class Device(Protocol):
    """Somewhere codes can be copied to, to be scanned there."""

    def load(self, codes: npt.NDArray[np.uint64]) -> "NearestScan":
        """Copy codes (uint64[n, 4]) to the device and return a scan of them."""
        ...


class NearestScan:
    """A scan within a radius, exact, by a search for nearest rows that is limited in k."""

    def __init__(
        self, codes: npt.NDArray[np.uint64], nearest: Nearest, most_k: int = MOST_K
    ) -> None:
        self._rows, self._nearest = len(codes), nearest
        self._looks = [min(k, self._rows) for k in (FIRST_K, MOST_K) if k <= most_k] or [most_k]
        self._flat = FlatScan(codes)

    def __call__(self, codes: npt.NDArray[np.uint64], radius: int) -> Found:
        """Find (query, row, distance) within the radius of each query (uint64[q, 4])."""
        queries = np.ascontiguousarray(codes).view(np.uint8).reshape(-1, 32)
        open_queries = np.arange(len(queries))
        found = []
        for k in self._looks:
            if not len(open_queries):
                break
            distances, rows = self._nearest(queries[open_queries], k)
            whole = (distances[:, -1] > radius) | (k >= self._rows)
            found.append(_within(open_queries[whole], distances[whole], rows[whole], radius))
            open_queries = open_queries[~whole]
        rest = self._flat(queries[open_queries], radius)
        return joined([*found, rest._replace(queries=open_queries[rest.queries])])


class CudaDevice:
    """The first CUDA device. FAISS's resources serve one thread at a time."""

    def __init__(self) -> None:
        self._resources: Any = faiss.StandardGpuResources()
        self._lock = threading.Lock()

    def load(self, codes: npt.NDArray[np.uint64]) -> NearestScan:
        """Copy codes (uint64[n, 4]) to the device and return a scan of them."""
        with self._lock:
            # Made by hand: faiss.index_cpu_to_gpu is for indexes of floats.
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
    """Return the device that is meant; None for the CPU.

    For "cuda", warns (RuntimeWarning) and returns None where CUDA cannot be used. Raises ValueError
    for any other word. Something that is a Device already is returned as it is.
    """
    if not isinstance(device, str):
        return device
    if device not in {"cpu", "cuda"}:
        raise ValueError(f'the device is "cpu" or "cuda", not {device!r}')
    if device == "cpu":
        return None
    if not hasattr(faiss, "GpuIndexBinaryFlat"):
        warnings.warn(f"this FAISS was built without CUDA: {_ADVICE}", RuntimeWarning, stacklevel=3)
        return None
    if faiss.get_num_gpus() == 0:
        warnings.warn(f"no CUDA device was found: {_ADVICE}", RuntimeWarning, stacklevel=3)
        return None
    return CudaDevice()


def _within(
    queries: npt.NDArray[np.int64],
    distances: npt.NDArray[np.int32],
    rows: npt.NDArray[np.int64],
    radius: int,
) -> Found:
    near = distances <= radius
    return Found(
        np.repeat(queries, near.sum(axis=1)),
        rows[near].astype(np.int64),
        distances[near].astype(np.int32),
    )
