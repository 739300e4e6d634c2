"""Uploads, decoded at the resolution that PDQ needs, and as far as viewers show them.

For platforms, which hash whatever is uploaded: a damaged file is decoded in part, and one that
takes too long for its size is refused.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from .errors import BrokenImageError
from .formats import cost, partial, png, webp
from .pixels import MAX_PIXELS, Opened, Source, cut_after_scans, open_file, open_image

_DRAFT_SIDE: Final = 512
_STRIP: Final = 2_000_000
"""Pixels that are converted at a time."""
_SIGNATURE_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Reduced:
    """An image's luma, reduced by a whole factor, in the orientation of the file."""

    luma: npt.NDArray[np.float32]
    """Shape (rows, columns), 0 to 255; each value is the mean of a block of the full image."""
    size: tuple[int, int]
    """Rows and columns of the full image, as stored."""
    block: int
    """The side of a block in pixels: 1, 2, 4 or 8; blocks at the far edges can be smaller."""
    orientation: int
    """The EXIF orientation, 1 to 8, which has not been applied."""
    is_complete: bool
    """Whether nothing is missing from the file; what is missing is grey or white, as shown."""


def decode_reduced(source: Source) -> Reduced:
    """Decode as `decode` does, but a large JPEG only at the resolution that PDQ needs.

    libjpeg scales by powers of two while it decodes; the shorter side stays at 512 px or more.
    The luma of a JPEG without a profile is used as stored. A damaged file is decoded as far as
    browsers show it. Raises as `decode` does, and TooManyPixelsError also for a file that takes
    much more than a second for each megabyte.
    """
    try:
        return _reduced(source)
    except BrokenImageError:
        if reduced := _reduced_as_shown(source):
            return reduced
        raise


def _reduced_as_shown(source: Source) -> Reduced | None:
    """Decode a damaged file as far as browsers show it; None if there is no way."""
    with open_file(source) as file:
        start = file.read(_SIGNATURE_BYTES)
        data = start + file.read() if start.startswith((png.SIGNATURE, webp.SIGNATURE)) else b""
    if start == png.SIGNATURE:
        most = min(MAX_PIXELS, cost.most_pixels("PNG", len(data), times=2))
        if repaired := png.repaired(data, most):
            with suppress(BrokenImageError):
                return replace(_reduced(repaired, size=len(data)), is_complete=False)
    if picture := webp.find_picture(data):
        return _reduced_webp(picture)
    if cuts := cut_after_scans(source):
        return _reduced_in_part(cuts)
    with suppress(BrokenImageError):
        return _reduced_over_white(source)
    return None


def _reduced_webp(picture: webp.Picture) -> Reduced | None:
    """Decode as much as possible of a damaged WebP, on white."""
    size = length = len(picture.content)
    zeros = _try_reduced(picture.file(length, webp.FILLS[0]), times=3, size=size)
    if zeros is None:
        # Before the search: if the header is damaged, each try costs as much and tells nothing.
        cost.refuse_search("WEBP", picture.pixels(), size, times=size.bit_length())
        length = _longest(size, lambda n: picture.file(n, webp.FILLS[0]), size=size)
        zeros = _try_reduced(picture.file(length, webp.FILLS[0]), size=size)
    others = _try_reduced(picture.file(length, webp.FILLS[1]), size=size)
    if zeros is None:
        return _reduced_webp(replace(picture, alpha=b"")) if picture.alpha else None
    if others is not None and others.size == zeros.size:
        differs = (zeros.luma != others.luma).any(axis=1)
        zeros.luma[int(differs.argmax()) if differs.any() else len(differs) :] = 255
    return replace(zeros, is_complete=False)


def _longest(length: int, make: Callable[[int], bytes], *, size: int) -> int:
    """Return the greatest length, shorter than `length`, whose file can be decoded; 0 if none.

    `size` is that of the file that was uploaded, in bytes. Raises TooManyPixelsError if it takes
    too long to find out.
    """
    good, bad = 0, length
    while bad - good > 1:
        middle = (good + bad) // 2
        is_good = _try_reduced(make(middle), times=length.bit_length(), size=size) is not None
        good, bad = (middle, bad) if is_good else (good, middle)
    return good


def _try_reduced(data: bytes, *, times: int = 1, size: int | None = None) -> Reduced | None:
    with suppress(BrokenImageError):
        return _reduced(data, times=times, size=size)
    return None


def _reduced_over_white(source: Source) -> Reduced | None:
    """Decode what a decoder reaches before it fails, on white."""
    with open_image(source) as opened, open_image(source) as again:
        _refuse_bomb(opened, times=3, size=opened.file_size)
        found = partial.decoded(opened.image, again.image)
        if found is None:
            return None
        image, is_complete = found
        shown = replace(opened, image=image)
        columns, rows = shown.size
        luma = _luma(shown, shown.shown())
        return Reduced(luma, (rows, columns), 1, shown.orientation, is_complete)


def _reduced_in_part(cuts: list[bytes]) -> Reduced | None:
    """Return what can be decoded of a JPEG that was cut off after each scan; None: nothing.

    If something between two scans is damaged, viewers show those before it.
    """
    found = _try_reduced(cuts[-1], times=3)
    if found is None and (count := _longest(len(cuts), lambda n: cuts[n - 1], size=len(cuts[-1]))):
        found = _try_reduced(cuts[count - 1])
    return found and replace(found, is_complete=len(cuts) == 1)


def _reduced(source: Source, *, times: int = 1, size: int | None = None) -> Reduced:
    """Decode a file, which is done so many times in all.

    `size` is that of the file that was uploaded, in bytes, if it is another one.
    """
    with open_image(source) as opened:
        _refuse_bomb(opened, times=times, size=size or opened.file_size)
        is_complete = opened.is_complete()
        image = opened.image
        columns, rows = opened.size
        if image.format == "JPEG":
            untagged = image.mode == "RGB" and opened.profile is None
            image.draft("L" if untagged else image.mode, _draft_size(image.size))
            drafted = image.width * image.height  # of a long, thin image very many
            cost.refuse_decoded(drafted, size or opened.file_size, times=times)
        block = round(columns / image.width) if image.format == "JPEG" else 1
        luma = _luma(opened, opened.shown())
        return Reduced(luma, (rows, columns), block, opened.orientation, is_complete)


def _refuse_bomb(opened: Opened, *, times: int, size: int) -> None:
    """Raise TooManyPixelsError if a file takes too long to decode so often, or too much memory."""
    image, columns_and_rows = opened.image, opened.size
    pixels = max(image.width * image.height, columns_and_rows[0] * columns_and_rows[1])
    cost.refuse_pixels(pixels, image, size, times=times)
    if work := opened.work:
        cost.refuse_work(work, size, times=times)


def _luma(opened: Opened, shown: Image.Image) -> npt.NDArray[np.float32]:
    """Return the luma, with PDQ's weights of R, G and B; converted in strips, to save memory."""
    luma = np.empty((shown.height, shown.width), np.float32)
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    height = max(1, _STRIP // shown.width)
    for top in range(0, shown.height, height):
        end = min(top + height, shown.height)
        strip = shown if height >= shown.height else shown.crop((0, top, shown.width, end))
        samples = np.asarray(opened.over_white(strip))
        luma[top : top + height] = samples if samples.ndim == 2 else samples @ weights
    return luma


def _draft_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return the smallest size to request from libjpeg, with a shorter side of _DRAFT_SIDE."""
    scale = min(1.0, _DRAFT_SIDE / min(size))
    return round(size[0] * scale), round(size[1] * scale)
