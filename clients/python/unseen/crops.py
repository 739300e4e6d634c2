"""The crops of an image: which are hashed beside its views, and their hashes.

PDQ does not survive a crop, so copies that were cut are found only by hashes of similar crops. All
are made from one luma, averaged in blocks of up to 4 pixels, by weighted sums (see `fast_pdq`)
with the samples at the positions that they have in a crop at full resolution.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from .fast_pdq import Matrix, Part, hash_part

if TYPE_CHECKING:
    from .pixels import Pixels

MIN_CROP_QUALITY: Final = 80
"""The lowest quality of a crop: plain crops of different pictures resemble each other."""


class _Cut(NamedTuple):
    """What is cut off at each side, in thousandths of the height or the width."""

    top: int = 0
    left: int = 0
    bottom: int = 0
    right: int = 0


_ASPECTS: Final[Mapping[str, tuple[int, int]]] = {
    "crop-1x1": (1, 1),
    "crop-4x5": (4, 5),
    "crop-9x16": (9, 16),
    "crop-16x9": (16, 9),
}
_CUTS: Final[Mapping[str, _Cut]] = {
    "crop-sides-2.5": _Cut(25, 25, 25, 25),
    "crop-sides-6": _Cut(60, 60, 60, 60),
    "crop-sides-8": _Cut(80, 80, 80, 80),
    "crop-sides-12": _Cut(120, 120, 120, 120),
    "crop-sides-18": _Cut(180, 180, 180, 180),
    "crop-bottom-6": _Cut(bottom=60),
    "crop-bottom-25": _Cut(bottom=250),
    "crop-top-6": _Cut(top=60),
    "crop-left-12": _Cut(left=120),
    "crop-left-20": _Cut(left=200),
    "crop-right-8": _Cut(right=80),
}

CROPS: Final = (*_ASPECTS, *_CUTS)
"""The names of the crops, in the order in which they are sent."""

_BLOCK: Final = 4
_SHORTER_SIDE: Final = 512


def hash_crops(pixels: "Pixels", taken: Iterable[bytes]) -> Iterator[tuple[str, bytes, int]]:
    """Yield the name, the 32 bytes and the quality of each crop that is worth sending.

    Left out are crops of less than 40 % of the picture, plain ones, and those whose bits are in
    `taken` or equal those of a crop before.
    """
    height, width = pixels.shape[:2]
    block = max(1, min(_BLOCK, min(height, width) // _SHORTER_SIDE))
    luma = _luma(pixels, block)
    seen = set(taken)
    for name, part in _parts(height, width):
        bits, quality = hash_part(luma, block, part)
        pdq = np.packbits(bits).tobytes()
        if quality >= MIN_CROP_QUALITY and pdq not in seen:
            seen.add(pdq)
            yield name, pdq, quality


def _parts(height: int, width: int) -> Iterator[tuple[str, Part]]:
    """Yield the crops that keep at least 40 % of the picture, but not all of it."""
    aspects = ((name, _centred(height, width, *ratio)) for name, ratio in _ASPECTS.items())
    cuts = ((name, _without(height, width, cut)) for name, cut in _CUTS.items())
    for name, part in (*aspects, *cuts):
        if 2 * height * width <= 5 * part.height * part.width < 5 * height * width:
            yield name, part


def _centred(height: int, width: int, across: int, down: int) -> Part:
    """Return the largest centred box of an aspect."""
    high = min(height, width * down // across)
    wide = min(width, height * across // down)
    return Part((height - high) // 2, (width - wide) // 2, high, wide)


def _without(height: int, width: int, cut: _Cut) -> Part:
    """Return the picture without what is cut off, rounded to whole pixels."""
    top, bottom = _share(height, cut.top), _share(height, cut.bottom)
    left, right = _share(width, cut.left), _share(width, cut.right)
    return Part(top, left, height - top - bottom, width - left - right)


def _share(length: int, thousandths: int) -> int:
    return (length * thousandths + 500) // 1000


def _luma(pixels: "Pixels", block: int) -> Matrix:
    """Average the luma in blocks; those at the right and the bottom edge may be smaller.

    The sums of each block are whole numbers, so that every client gets the same ones.
    """
    height, width = pixels.shape[:2]
    rows, columns = np.arange(0, height, block), np.arange(0, width, block)
    sums = np.add.reduceat(pixels, rows, axis=0, dtype=np.uint16)
    sums = np.add.reduceat(sums, columns, axis=1, dtype=np.uint16)
    counts = np.diff([*rows, height])[:, np.newaxis] * np.diff([*columns, width])
    luma: Matrix = (sums @ np.array([0.299, 0.587, 0.114], np.float32) / counts).astype(np.float32)
    return luma
