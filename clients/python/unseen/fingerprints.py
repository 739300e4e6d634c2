"""What leaves the device for an image: its PDQ hash, and how that hash was made.

Imports nothing heavy, so that code which only sends or compares hashes needs no image library.
"""

from dataclasses import dataclass
from typing import Final

from .errors import QualityTooLowError

CONVENTION: Final = "pdq-srgb-full-2"
"""The name of the pixel convention, stored with every hash; see `pixels`."""

MATCH_DISTANCE: Final = 31
"""The greatest Hamming distance, in bits, at which two PDQ hashes count as the same image."""

MIN_QUALITY: Final = 50
"""The lowest PDQ quality (0 to 100) at which a hash can be submitted."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One PDQ hash of an image: 256 bits, their quality, the pixel convention and the view."""

    pdq: str
    """64 lower-case hexadecimal digits."""
    quality: int
    """0 (flat) to 100; below 50 the hash is unreliable."""
    convention: str = CONVENTION
    """The name of the pixel convention."""
    view: str = "original"
    """The view of the image that was hashed: one of `VIEWS`, or a crop."""
    complete: bool = True
    """Whether the file had all of its pixels; what is missing is hashed as browsers show it."""

    def __str__(self) -> str:
        return self.pdq

    def distance(self, other: "Fingerprint") -> int:
        """Count the bits in which two fingerprints differ, 0 to 256; at most 31 is a match."""
        return (int(self.pdq, 16) ^ int(other.pdq, 16)).bit_count()

    def require_quality(self) -> None:
        """Raise QualityTooLowError if the hash is too weak to be submitted."""
        if self.quality < MIN_QUALITY:
            raise QualityTooLowError(
                f"The image is too flat or too small: its quality is {self.quality}, "
                f"and at least {MIN_QUALITY} is needed."
            )
