"""Checks of the arguments that callers pass to a table."""

import operator

import numpy as np
import numpy.typing as npt

from .shuffle import HASH_BITS, HASH_BYTES

NEAREST_MAX = 4_096  # a scan for so many takes 8 MB a query


def check_ids(ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return ids as an array; raise ValueError unless they are int64[n] and not negative."""
    ids = np.asarray(ids)
    if ids.ndim != 1 or ids.dtype != np.int64:
        raise ValueError(f"ids must be int64[n], not {ids.dtype}{list(ids.shape)}")
    if len(ids) and ids.min() < 0:
        raise ValueError("ids must be 0 to 2**63 - 1; one is negative")
    return ids


def check_hashes(hashes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return hashes as a contiguous array; raise ValueError unless they are uint8[n, 32]."""
    hashes = np.asarray(hashes)
    if hashes.ndim != 2 or hashes.shape[1] != HASH_BYTES or hashes.dtype != np.uint8:
        raise ValueError(
            f"hashes must be uint8[n, {HASH_BYTES}], not {hashes.dtype}{list(hashes.shape)}"
        )
    return np.ascontiguousarray(hashes)


def check_radius(radius: int) -> int:
    """Return a radius as an int; raise ValueError unless it is an integer from 0 to 256."""
    try:
        bits = operator.index(radius)
    except TypeError as error:
        raise ValueError(f"the radius must be an integer, not {radius!r}") from error
    if not 0 <= bits <= HASH_BITS:
        raise ValueError(f"the radius must be 0 to {HASH_BITS} bits, not {bits}")
    return bits


def check_nearest(nearest: int) -> int:
    """Return a number of hits as an int; raise ValueError unless it is 1 to 4,096."""
    try:
        most = operator.index(nearest)
    except TypeError as error:
        raise ValueError(f"nearest must be an integer, not {nearest!r}") from error
    if not 1 <= most <= NEAREST_MAX:
        raise ValueError(f"nearest must be 1 to {NEAREST_MAX}, not {most}")
    return most


def has_duplicates(ids: npt.NDArray[np.int64]) -> bool:
    """Return whether an id (int64[n]) occurs more than once."""
    if len(ids) < 2 or (ids[1:] > ids[:-1]).all():
        return False
    ordered = np.sort(ids)
    return bool((ordered[1:] == ordered[:-1]).any())
