"""PDQ of any part of an image, quickly: many parts share the sums of one image.

PDQ's filter (see `fast_pdq`) tends, for a large image, to a triangle as wide as 1/64 of an axis
around each of 64 samples. A triangle is a second difference of the integral of an integral, so a
part costs a few differences. The result differs by a few bits from PDQ of a crop that was cut out
at full size.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from .fast_pdq import hash_samples

Luma = npt.NDArray[np.float64]

_SAMPLES: Final = 64


class Box(NamedTuple):
    """A part of an image, in its pixels; the edges may lie within pixels."""

    top: float
    left: float
    bottom: float
    right: float

    @property
    def height(self) -> float:
        """Return the height in pixels."""
        return self.bottom - self.top

    @property
    def width(self) -> float:
        """Return the width in pixels."""
        return self.right - self.left

    def inset(self, top: float, left: float, bottom: float, right: float) -> "Box":
        """Return the box without a fraction of its height or width at each side."""
        return Box(
            self.top + top * self.height,
            self.left + left * self.width,
            self.bottom - bottom * self.height,
            self.right - right * self.width,
        )


@dataclass(frozen=True, slots=True)
class Integrals:
    """A luma, shape (rows, columns), and its sums down to each row, and their sums."""

    luma: Luma
    once: Luma
    twice: Luma

    @classmethod
    def of(cls, luma: npt.NDArray[np.floating]) -> "Integrals":
        """Sum a luma down its rows. The sums of `rows + 1` edges have a last row of their own."""
        rows, columns = luma.shape
        padded = np.zeros((rows + 1, columns))
        padded[:rows] = luma
        once = np.zeros_like(padded)
        np.cumsum(padded[:rows], axis=0, out=once[1:])
        twice = np.zeros_like(padded)
        np.cumsum(once[:rows] + padded[:rows] / 2, axis=0, out=twice[1:])
        return cls(padded, once, twice)

    def filtered(self, first: float, last: float) -> Luma:
        """Return 64 samples, shape (64, columns), of the rows between two edges."""
        step = (last - first) / (2 * _SAMPLES)
        edges = first + step * np.arange(2 * _SAMPLES + 1)
        row = np.minimum(edges.astype(int), len(self.luma) - 1)
        within = (edges - row)[:, np.newaxis]
        sums: Luma = self.luma[row]
        sums *= within / 2
        sums += self.once[row]
        sums *= within
        sums += self.twice[row]
        samples: Luma = sums[:-2:2] + sums[2::2]
        samples -= 2 * sums[1::2]
        samples /= step**2
        return samples


class BoxHasher:
    """Hashes parts of one image. Parts between the same two rows share most of the work."""

    def __init__(self, luma: npt.NDArray[np.floating]) -> None:
        """Prepare a luma, shape (rows, columns), 0 to 255."""
        self._down = Integrals.of(luma)
        self._across: dict[tuple[float, float], Integrals] = {}

    def hash_box(self, box: Box) -> tuple[npt.NDArray[np.bool_], int]:
        """Hash a part: 256 bits, most significant first, and the quality, 0 to 100."""
        rows = box.top, box.bottom
        if rows not in self._across:
            self._across[rows] = Integrals.of(self._down.filtered(*rows).T)
        samples = self._across[rows].filtered(box.left, box.right).T
        return hash_samples(samples.astype(np.float32))
