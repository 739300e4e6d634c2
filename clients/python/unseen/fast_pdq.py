"""PDQ of a reduced image, in a fraction of the time: the same filter as weighted sums.

PDQ blurs the luma with two box filters per axis (a Jarosz filter), samples it at 64 x 64 points,
and compares 16 x 16 low frequencies with their median. Everything before the comparison is linear
and separable, so 64 weighted sums per axis compute it. The weights can be made for an image that
was reduced to blocks while it was decoded, with the samples at their positions in the full image;
only the detail within a block is lost. The steps follow Meta's pdqhashing.cpp and downscaling.cpp
(github.com/facebook/ThreatExchange, pdq/cpp/).
"""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from .reduced import Reduced

Matrix = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float64]

_SAMPLES: Final = 64
_FREQUENCIES: Final = 16
# For each EXIF orientation: whether upright rows are stored as columns, and whether
# upright rows and upright columns are stored in reverse order.
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


class Part(NamedTuple):
    """A part of an image, in whole pixels of the full image."""

    top: int
    left: int
    height: int
    width: int


def hash_reduced(image: Reduced) -> tuple[npt.NDArray[np.bool_], int]:
    """Hash a reduced image: 256 bits, most significant first, and the quality, 0 to 100."""
    return hash_samples(_sample(image))


def hash_part(luma: Matrix, block: int, part: Part) -> tuple[npt.NDArray[np.bool_], int]:
    """Hash a part of an image whose luma was averaged in blocks, as if it were cut out first."""
    halfway = _filter_rows(luma, *_bands(part.height, block, False, part.top))
    samples = _filter_rows(halfway.T, *_bands(part.width, block, False, part.left)).T
    return hash_samples(samples)


def hash_samples(samples: Matrix) -> tuple[npt.NDArray[np.bool_], int]:
    """Hash 64 x 64 samples of the blurred image: the bits and the quality, as `hash_reduced`."""
    low = _DCT @ samples @ _DCT.T
    median = np.partition(low, 127, axis=None)[127]
    return (low > median).ravel()[::-1], _quality(samples)


def upright(image: Reduced) -> Matrix:
    """Return the luma in its EXIF orientation, as a view: shape (rows, columns), 0 to 255."""
    swapped, rows_reversed, columns_reversed = _STORED[image.orientation]
    luma: Matrix = image.luma.T if swapped else image.luma
    return luma[:: -1 if rows_reversed else 1, :: -1 if columns_reversed else 1]


def _sample(image: Reduced) -> Matrix:
    """Blur and sample the upright image at 64 x 64 points."""
    swapped, rows_reversed, columns_reversed = _STORED[image.orientation]
    luma: Matrix = image.luma.T if swapped else image.luma
    rows, columns = image.size[::-1] if swapped else image.size
    halfway = _filter_rows(luma, *_bands(rows, image.block, rows_reversed))
    return _filter_rows(halfway.T, *_bands(columns, image.block, columns_reversed)).T


def _filter_rows(luma: Matrix, first: Indices, weights: Matrix) -> Matrix:
    """Return the weighted sum of the rows of each band, shape (64, columns).

    Not as a matrix product, which on a busy machine waits for BLAS threads.
    """
    width = weights.shape[1]
    bands = (luma[start : start + width] for start in first)
    return np.stack([np.einsum("r,rc->c", *pair) for pair in zip(weights, bands, strict=True)])


@lru_cache(maxsize=256)
def _bands(length: int, block: int, reverse: bool, begin: int = 0) -> tuple[Indices, Matrix]:
    """Return the filter of one axis of `length` pixels, as 64 bands of blocks.

    The first of these pixels is pixel `begin` of the blocks.

    The first block of each band, shape (64,), and the weights of its blocks, shape (64, width of
    the widest band).
    """
    window = (length + 2 * _SAMPLES - 1) // (2 * _SAMPLES)
    centres = ((np.arange(_SAMPLES) + 0.5) * length / _SAMPLES).astype(int)
    start, end = _box(centres, window, length)
    # A box filter of a box filter: each pixel of the outer box spreads its share over an inner box.
    sample, step = np.nonzero(np.arange(window) < (end - start)[:, np.newaxis])
    first, last = _box(start[sample] + step, window, length)
    share = 1 / ((end - start)[sample] * (last - first))
    low = _box(start, window, length)[0]
    edges = np.zeros((_SAMPLES, 2 * window + 1))
    np.add.at(edges, (sample, first - low[sample]), share)
    np.add.at(edges, (sample, last - low[sample]), -share)
    pixels = np.minimum(low[:, np.newaxis] + np.arange(2 * window + 1), length - 1)
    stored = length - 1 - pixels if reverse else pixels
    return _sum_per_block(begin + stored, edges.cumsum(axis=1), block)


def _sum_per_block(pixels: Indices, weights: Weights, block: int) -> tuple[Indices, Matrix]:
    """Sum the weights of pixels per block."""
    blocks = pixels // block
    first = blocks.min(axis=1)
    width = int((blocks.max(axis=1) - first).max()) + 1
    # Every band has the same width, so the last bands begin earlier.
    first = np.minimum(first, max(0, int(blocks.max()) + 1 - width))
    gathered = np.zeros((_SAMPLES, width), np.float32)
    np.add.at(
        gathered, (np.arange(_SAMPLES)[:, np.newaxis], blocks - first[:, np.newaxis]), weights
    )
    return first, gathered


def _box(centres: Indices, window: int, length: int) -> tuple[Indices, Indices]:
    """Return the first pixel and the end of PDQ's box around pixels; even boxes extend right."""
    ends = centres + (window + 2) // 2
    return np.maximum(0, ends - window), np.minimum(length, ends)


def _quality(samples: Matrix) -> int:
    """Return PDQ's quality: the summed steps between neighbouring samples, in whole percent."""
    down = np.abs(np.trunc(np.diff(samples, axis=0) * 100 / 255)).sum()
    across = np.abs(np.trunc(np.diff(samples, axis=1) * 100 / 255)).sum()
    return min(100, int((down + across) / 90))


def _dct() -> Matrix:
    """Return the DCT matrix of the frequencies 1 to 16, shape (16, 64)."""
    frequency = np.arange(1, _FREQUENCIES + 1)[:, np.newaxis]
    sample = np.arange(_SAMPLES)
    cosines = np.cos(np.pi / (2 * _SAMPLES) * frequency * (2 * sample + 1))
    matrix: Matrix = (np.sqrt(2 / _SAMPLES) * cosines).astype(np.float32)
    return matrix


_DCT: Final = _dct()
