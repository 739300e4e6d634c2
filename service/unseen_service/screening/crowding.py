"""Near-duplicates in one submission: how many of its hashes are close to one of them.

Only hashes of the same submission are compared. An answer that depended on what is stored would
tell anyone who submits whether an image is.
"""

import numpy as np
import numpy.typing as npt
from unseen_index import HashTable

MAX_NEAR = 256
"""The most different hashes of a submission within the radius of one of them, itself included.

Of 100 photos taken in a row, at most 71 are so close to one (docs/intake.md).
"""
_SLICE = 500
"""Hashes that are compared at a time: their neighbours take a few megabytes."""


def crowded(hashes: npt.NDArray[np.uint8], radius: int) -> npt.NDArray[np.bool_]:
    """Return which hashes (uint8[n, 32]) have too many others within the radius (bool[n])."""
    if len(hashes) <= MAX_NEAR:
        return np.zeros(len(hashes), np.bool_)
    different = np.unique(hashes, axis=0)
    table = HashTable()
    table.add(np.arange(len(different), dtype=np.int64), different)
    found = [
        table.search(hashes[start : start + _SLICE], radius, nearest=MAX_NEAR).more
        for start in range(0, len(hashes), _SLICE)
    ]
    return np.concatenate(found)
