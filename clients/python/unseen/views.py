"""The eight views of an image: as it is, mirrored, and both turned by quarters.

PDQ does not see that a picture was mirrored or turned (the copy lands some 128 bits away), so
whoever holds the image hashes its views too, and a mirrored copy is found like any other.
"""

from collections.abc import Iterator
from typing import Final

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

_TRANSPOSED: Final = 6
"""Where `pdqhash.compute_dihedral` puts the hash of the transposed image (FlipPlus1)."""


def fingerprint_views(source: Source) -> tuple[Fingerprint, ...]:
    """Hash the eight views of an encoded image, in the order of `VIEWS`. Raises ImageError."""
    hashes = {print_.view: print_ for print_ in _hash_views(decode(source))}
    return tuple(hashes[view] for view in VIEWS)


def _hash_views(pixels: Pixels) -> Iterator[Fingerprint]:
    """Hash each view as the turned pixels hash, in four passes.

    PDQ's one-pass dihedral hashes reuse one set of samples, which lie up to a pixel off for
    a mirrored image: up to 16 bits at 512 px, still 12 at 1400 px. Only transposing is exact.
    So four orientations are hashed in full, and each gives its transposed twin for nothing.
    """
    passes = (
        (pixels, "original", "mirror-turn-270"),
        (pixels[:, ::-1], "mirror", "turn-270"),
        (pixels[::-1, ::-1], "turn-180", "mirror-turn-90"),
        (pixels[::-1, :], "mirror-turn-180", "turn-90"),
    )
    for turned, view, transposed in passes:
        hashes, quality = pdqhash.compute_dihedral(turned)
        yield Fingerprint(to_hex(hashes[0]), int(quality), view=view)
        yield Fingerprint(to_hex(hashes[_TRANSPOSED]), int(quality), view=transposed)
