"""Compute PDQ hashes: 256 bits that change little when an image is resized or re-encoded.

PDQ is Meta's perceptual hash (github.com/facebook/ThreatExchange, pdq/). The bits come from
Meta's own C++ code, through the package `pdqhash`, on the pixels of the convention.
"""

from math import prod
from typing import Final

import numpy as np
import numpy.typing as npt
import pdqhash

from .crops import hash_crops
from .fast_pdq import hash_reduced
from .fingerprints import Fingerprint
from .pixels import Pixels, Source, decode
from .reduced import Reduced, decode_reduced
from .views import iterate_views

_SMALL: Final = 1 << 20
"""Pixels of an image that can be hashed twice."""


def fingerprint(source: Source, *, fast: bool = False) -> Fingerprint:
    """Hash an encoded image, given as bytes or as a path.

    `fast` decodes a large JPEG at a fraction of its size, for platforms that hash every upload: a
    few bits may differ (at most 4 on the photos of the benchmark). It also hashes a file that is
    damaged or cut off as browsers show it, and says so (`complete`); otherwise such a file is
    refused. Raises ImageError.
    """
    if not fast:
        return _exact(source)
    return hash_decoded(source, decode_reduced(source))


def hash_decoded(source: Source, reduced: Reduced) -> Fingerprint:
    """Hash an image that was decoded at a fraction of its size, as `fingerprint(fast=True)` does.

    Raises ImageError.
    """
    bits, quality = hash_reduced(reduced)
    if not quality and reduced.is_complete and prod(reduced.size) <= _SMALL:
        # The bits of a flat image are only the reference's rounding.
        return _exact(source)
    return Fingerprint(to_hex(bits), quality, complete=reduced.is_complete)


def _exact(source: Source) -> Fingerprint:
    bits, quality = pdqhash.compute(decode(source))
    return Fingerprint(to_hex(bits), int(quality))


def fingerprint_views(source: Source, *, crops: bool = False) -> tuple[Fingerprint, ...]:
    """Hash every view of an encoded image, in the order of `VIEWS`. Raises ImageError.

    `crops` adds the hashes of crops, by which copies that were cut are found. They tell
    somebody who gets hold of them a little more about the picture.
    """
    pixels = decode(source)
    views = hash_views(pixels)
    return (*views, *_hash_crops(pixels, views)) if crops else views


def _hash_crops(pixels: Pixels, views: tuple[Fingerprint, ...]) -> tuple[Fingerprint, ...]:
    taken = (bytes.fromhex(view.pdq) for view in views)
    return tuple(
        Fingerprint(pdq.hex(), quality, view=name)
        for name, pdq, quality in hash_crops(pixels, taken)
    )


def hash_views(pixels: Pixels) -> tuple[Fingerprint, ...]:
    """Hash every view of an image from its own pixels, in the order of `VIEWS`.

    `pixels` is RGB, shape (height, width, 3), dtype uint8. Each view is a full pass of PDQ, since
    the one-pass dihedral hashes of PDQ are not exact. They reuse one set of samples, which lie up
    to a pixel off in a mirrored image (16 bits at 512 px, still 12 at 1400 px). In a transposed
    image the rounding still differs, by a bit or a point of quality in one image of 130.
    """
    return tuple(_hash_view(view, turned) for view, turned in iterate_views(pixels))


def to_hex(bits: npt.NDArray[np.integer | np.bool_]) -> str:
    """Return 256 bits, most significant first, as 64 lower-case hexadecimal digits."""
    return np.packbits(bits.astype(np.uint8)).tobytes().hex()


def _hash_view(view: str, pixels: Pixels) -> Fingerprint:
    bits, quality = pdqhash.compute(pixels)
    return Fingerprint(to_hex(bits), int(quality), view=view)
