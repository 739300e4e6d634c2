"""The nearest rows of one query, in a buffer that no crowd of near rows outgrows.

A row is kept as one number: its distance above its row number. So comparing two numbers orders
rows by distance, and rows at the same distance by row number.
"""

import numpy as np
import numpy.typing as npt

from .jit import jit

ROW_BITS = 32
ALL = 1 << 62
"""As many rows as there are."""


@jit
def offer(keys: npt.NDArray[np.int64], count: int, most: int, row: np.int64, distance: int) -> int:
    """Keep a row among `keys[:count]` if it is one of the nearest `most`; return the new count.

    When there are `most`, they are a heap with the farthest on top.
    """
    key = (np.int64(distance) << ROW_BITS) | row
    if count < most:
        keys[count] = key
        count += 1
        if count == most:
            for place in range(most // 2 - 1, -1, -1):
                _sift_down(keys, place, most)
    elif key < keys[0]:
        keys[0] = key
        _sift_down(keys, 0, most)
    return count


@jit
def _sift_down(keys: npt.NDArray[np.int64], place: int, count: int) -> None:
    """Move a key down the heap until none below it is larger."""
    key = keys[place]
    while True:
        child = 2 * place + 1
        if child >= count:
            break
        if child + 1 < count and keys[child + 1] > keys[child]:
            child += 1
        if keys[child] <= key:
            break
        keys[place] = keys[child]
        place = child
    keys[place] = key
