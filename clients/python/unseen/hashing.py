"""PDQ of an image: 256 bits that stay close when the image is resized or re-encoded.

PDQ is Meta's perceptual hash (github.com/facebook/ThreatExchange, pdq/); the bits come from
Meta's own C++ through the package `pdqhash`, on the pixels of the convention.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pdqhash

from .errors import QualityTooLowError
from .pixels import CONVENTION, Source, decode, decode_reduced
from .scan import hash_reduced

MATCH_DISTANCE: Final = 31
"""The greatest Hamming distance at which two PDQ hashes are taken for the same image."""

MIN_QUALITY: Final = 50
"""The least PDQ quality (0 to 100) that a hash needs to be submitted."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What leaves the device of an image: 256 bits, their quality, and how they came about."""

    pdq: str
    """64 lower-case hexadecimal digits."""
    quality: int
    """0 (flat) to 100; below 50 the hash is not to be relied on."""
    convention: str = CONVENTION
    """The name of the pixel convention."""
    view: str = "original"
    """Which view of the image was hashed: one of `VIEWS`."""

    def __str__(self) -> str:
        return self.pdq

    def distance(self, other: "Fingerprint") -> int:
        """Count the bits in which two fingerprints differ, 0 to 256; at most 31 is a match."""
        return (int(self.pdq, 16) ^ int(other.pdq, 16)).bit_count()

    def require_quality(self) -> None:
        """Raise QualityTooLowError if the hash is too weak to be submitted."""
        if self.quality < MIN_QUALITY:
            raise QualityTooLowError(
                f"The image is too flat or too small: quality {self.quality}, "
                f"at least {MIN_QUALITY} is needed."
            )


def fingerprint(source: Source, *, fast: bool = False) -> Fingerprint:
    """Hash an encoded image, given as bytes or as a path.

    `fast` decodes a large JPEG at a fraction of its size: a few bits may differ (at most 4 on the
    photos of the benchmark), for a platform that looks at every upload. Raises ImageError.
    """
    if fast:
        bits, quality = hash_reduced(decode_reduced(source))
    else:
        bits, quality = pdqhash.compute(decode(source))
    return Fingerprint(to_hex(bits), int(quality))


def to_hex(bits: npt.NDArray[np.integer | np.bool_]) -> str:
    """Write 256 bits, most significant first, as 64 lower-case hexadecimal digits."""
    return np.packbits(bits.astype(np.uint8)).tobytes().hex()
