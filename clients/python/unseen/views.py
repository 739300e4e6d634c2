"""The eight views of an image: as it is, mirrored, and both turned by quarters.

PDQ does not see that a picture was mirrored or turned (the copy lands some 128 bits away), so
whoever holds the image hashes its views too, and a mirrored copy is found like any other.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pdqhash

from .hashing import Fingerprint, to_hex
from .pixels import Pixels, Source, decode

VIEWS: Final = (
    "original",
    "mirror",
    "turn-90",
    "turn-180",
    "turn-270",
    "mirror-turn-90",
    "mirror-turn-180",
    "mirror-turn-270",
)
"""The views in the order they are sent. Mirrored is left-right; turned is clockwise, after that."""


def fingerprint_views(source: Source) -> tuple[Fingerprint, ...]:
    """Hash the eight views of an encoded image, in the order of `VIEWS`. Raises ImageError."""
    return hash_views(decode(source))


def hash_views(pixels: Pixels) -> tuple[Fingerprint, ...]:
    """Hash each view as its turned pixels hash: eight passes, in the order of `VIEWS`.

    PDQ's one-pass dihedral hashes will not do. They reuse one set of samples, which lie up to a
    pixel off for a mirrored image (16 bits at 512 px, still 12 at 1400 px), and for a transposed
    one the rounding still differs, which costs a bit or a point of quality in one image of 130.
    """
    turned = dict(_turned(pixels))
    return tuple(_hashed(turned[view], view) for view in VIEWS)


def _turned(pixels: Pixels) -> Iterator[tuple[str, Pixels]]:
    """Give the pixels of each view, at the price of one copy."""
    # pdqhash reads by rows whatever the strides say: a transposed image has to be copied, where
    # reversed rows and columns are put in order by its own conversion to luma.
    transposed = np.ascontiguousarray(pixels.transpose(1, 0, 2))
    yield "original", pixels
    yield "mirror", pixels[:, ::-1]
    yield "turn-180", pixels[::-1, ::-1]
    yield "mirror-turn-180", pixels[::-1]
    yield "mirror-turn-270", transposed
    yield "turn-90", transposed[:, ::-1]
    yield "mirror-turn-90", transposed[::-1, ::-1]
    yield "turn-270", transposed[::-1]


def _hashed(pixels: Pixels, view: str) -> Fingerprint:
    bits, quality = pdqhash.compute(pixels)
    return Fingerprint(to_hex(bits), int(quality), view=view)
