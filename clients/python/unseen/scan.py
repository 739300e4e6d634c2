"""PDQ of an upload in a fraction of the time: the same filter as a few matrix products.

PDQ blurs the luma with two box filters an axis (a Jarosz filter), samples it at 64 x 64 points,
and keeps the signs of 16 x 16 low frequencies about their median. All before the signs is linear
and separable, so one 64 x n matrix an axis does it; and the matrix can be made for an image that
was reduced to blocks while it was decoded, with the samples still where they lie in the full one.
Only the detail within a block is lost. The steps follow Meta's pdqhashing.cpp and downscaling.cpp
(github.com/facebook/ThreatExchange, pdq/cpp/).
"""

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from .pixels import Reduced

Matrix = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

_SAMPLES: Final = 64
_FREQUENCIES: Final = 16
# Of each EXIF orientation: whether upright rows are stored columns, then whether
# upright rows and upright columns are stored in reverse.
_STORED: Final = {
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def hash_reduced(image: Reduced) -> tuple[npt.NDArray[np.bool_], int]:
    """Hash a reduced image: 256 bits, most significant first, and the quality, 0 to 100."""
    samples = _sample(image)
    low = _DCT @ samples @ _DCT.T
    median = np.partition(low, 127, axis=None)[127]
    return (low > median).ravel()[::-1], _quality(samples)


def _sample(image: Reduced) -> Matrix:
    """Blur and sample the upright image at 64 x 64 points."""
    swapped, rows_reversed, columns_reversed = _STORED[image.orientation]
    luma: Matrix = image.luma.T if swapped else image.luma
    rows, columns = image.size[::-1] if swapped else image.size
    down = _operator(rows, image.block, rows_reversed)
    across = _operator(columns, image.block, columns_reversed)
    return np.asarray(down @ luma @ across.T, np.float32)


@lru_cache(maxsize=64)
def _operator(length: int, block: int, reverse: bool) -> Matrix:
    """Make the matrix (64 x blocks) that blurs and samples one axis of `length` pixels."""
    window = (length + 2 * _SAMPLES - 1) // (2 * _SAMPLES)
    centres = ((np.arange(_SAMPLES) + 0.5) * length / _SAMPLES).astype(int)
    start, end = _box(centres, window, length)
    sample, step = np.nonzero(np.arange(window) < (end - start)[:, np.newaxis])
    first, last = _box(start[sample] + step, window, length)
    weight = 1 / ((end - start)[sample] * (last - first))
    steps = np.zeros((_SAMPLES, length + 1))
    np.add.at(steps, (sample, first), weight)
    np.add.at(steps, (sample, last), -weight)
    weights = steps.cumsum(axis=1)[:, :length]
    if reverse:
        weights = weights[:, ::-1]
    padded = np.pad(weights, ((0, 0), (0, -length % block)))
    blocks: Matrix = padded.reshape(_SAMPLES, -1, block).sum(axis=2).astype(np.float32)
    return blocks


def _box(centres: Indices, window: int, length: int) -> tuple[Indices, Indices]:
    """Give the first pixel and the end of PDQ's box about pixels; an even one leans right."""
    ends = centres + (window + 2) // 2
    return np.maximum(0, ends - window), np.minimum(length, ends)


def _quality(samples: Matrix) -> int:
    """Sum the steps between neighbouring samples, in whole percent of the range."""
    down = np.abs(np.trunc(np.diff(samples, axis=0) * 100 / 255)).sum()
    across = np.abs(np.trunc(np.diff(samples, axis=1) * 100 / 255)).sum()
    return min(100, int((down + across) / 90))


def _dct() -> Matrix:
    """Make the matrix (16 x 64) of a DCT's frequencies 1 to 16."""
    frequency = np.arange(1, _FREQUENCIES + 1)[:, np.newaxis]
    sample = np.arange(_SAMPLES)
    cosines = np.cos(np.pi / (2 * _SAMPLES) * frequency * (2 * sample + 1))
    matrix: Matrix = (np.sqrt(2 / _SAMPLES) * cosines).astype(np.float32)
    return matrix


_DCT: Final = _dct()
