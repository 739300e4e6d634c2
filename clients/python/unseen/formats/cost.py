"""What a file may cost to decode where every upload is hashed: at most a second for a megabyte.

A file of a few kilobytes can have 89 million pixels, or make a decoder go over its blocks thousands
of times. Viewers show such files slowly; a service that hashes uploads has to refuse them.
"""

from typing import Final

from PIL import Image

from ..errors import TooManyPixelsError
from .jpeg import Work

_MEGABYTE: Final = 1_000_000
_PIXELS: Final = {"JPEG": 89, "JPEG in TIFF": 5, "WEBP": 16, "AVIF": 16, "HEIF": 16}
"""Millions of pixels in a megabyte, or less, that are decoded in a second and in 512 MB.

libtiff decodes up to 100 scans of a JPEG.
"""
_PIXELS_OF_OTHERS: Final = 20
_VISITS: Final = 25_000_000
"""Blocks of a JPEG times its scans: 22 ns each, if they are empty."""
_BLOCKS: Final = 3_000_000
"""Blocks of a JPEG with several scans, which are kept until the last: 128 bytes each."""


def refuse_pixels(pixels: int, image: Image.Image, size: int, *, times: int = 1) -> None:
    """Raise TooManyPixelsError if decoding a file of `size` bytes `times` times takes too long."""
    kind = image.format or ""
    if kind == "TIFF" and "jpeg" in str(image.info.get("compression")):
        kind = "JPEG in TIFF"
    if pixels > most_pixels(kind, size, times=times):
        raise TooManyPixelsError(
            f"The image has {pixels / 1e6:.0f} million pixels in {size / 1e6:.1f} MB, which takes "
            "too long to hash."
        )


def refuse_decoded(pixels: int, size: int, *, times: int = 1) -> None:
    """Raise TooManyPixelsError if what is decoded of a file, after scaling, is too much."""
    if pixels > most_pixels("", size, times=times):
        raise TooManyPixelsError(
            f"The image is {pixels / 1e6:.0f} million pixels even when it is reduced, in "
            f"{size / 1e6:.1f} MB, which takes too long to hash."
        )


def refuse_search(kind: str, pixels: int, size: int, *, times: int) -> None:
    """Raise TooManyPixelsError if a damaged file cannot be tried `times` times to decode it."""
    if pixels > most_pixels(kind, size, times=times):
        raise TooManyPixelsError(
            f"The image is damaged, and has {pixels / 1e6:.0f} million pixels: to find out how "
            "much of it can be shown takes too long."
        )


def most_pixels(kind: str, size: int, *, times: int) -> int:
    """Return how many pixels a file of `size` bytes may have that is decoded `times` times."""
    return int(_PIXELS.get(kind, _PIXELS_OF_OTHERS) * 1_000_000 * _megabytes(size) / times)


def refuse_work(work: Work, size: int, *, times: int = 1) -> None:
    """Raise TooManyPixelsError if decoding a JPEG of `size` bytes `times` times takes too much."""
    if is_too_much(work, size, times=times):
        raise TooManyPixelsError(
            f"The image goes over its pixels {work.scans:,} times in {size / 1e6:.1f} MB, which "
            "takes too long to hash."
        )


def is_too_much(work: Work, size: int, *, times: int = 1) -> bool:
    """Return whether to decode a JPEG of `size` bytes `times` times takes too much."""
    kept = work.blocks if work.scans > 1 else 0
    visited = work.scans * work.blocks * times
    return visited > _VISITS * _megabytes(size) or kept > _BLOCKS * _megabytes(size)


def _megabytes(size: int) -> float:
    return max(1.0, size / _MEGABYTE)
