"""What a decoder leaves of a damaged file: the pixels that it reached, the others transparent.

Viewers show the same. Where a decoder stopped shows by decoding twice, over different pixels.
"""

from contextlib import suppress
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

_MODES: Final = frozenset({"1", "L", "LA", "P", "RGB", "RGBA"})
_FILLS: Final = (0, 255)
_PASS_ROWS: Final = 8
"""Rows of which the first pass of an interlaced GIF has one."""


def decoded(first: Image.Image, second: Image.Image) -> tuple[Image.Image, bool] | None:
    """Return what can be decoded of an image (RGBA), and whether that is all of it.

    `first` and `second` are the same file, opened and not loaded. None if nothing can be decoded,
    or the format has no such decoder.
    """
    if first.mode not in _MODES:
        return None
    is_interlaced = _is_interlaced(first)
    for image, fill in zip((first, second), _FILLS, strict=True):
        if not isinstance(image, ImageFile.ImageFile) or not image.tile:
            return None
        _load_over(image, fill)
    if first.mode != second.mode or first.size != second.size:
        return None
    is_missing = np.asarray(first) != np.asarray(second)
    if is_missing.ndim == 3:
        is_missing = is_missing.any(axis=2)
    if is_missing.all():
        return None
    pixels = np.array(first.convert("RGBA"))
    pixels[is_missing, 3] = 0
    if is_interlaced:
        _repeat_rows(pixels, is_missing.any(axis=1))
    return Image.fromarray(pixels), not is_missing.any()


def _repeat_rows(pixels: npt.NDArray[np.uint8], is_missing: npt.NDArray[np.bool_]) -> None:
    """Show each row in place of those below it that are missing, as browsers do with GIFs."""
    rows = np.arange(len(pixels))
    source = np.maximum.accumulate(np.where(is_missing, 0, rows))
    pixels[rows] = pixels[np.where(rows - source < _PASS_ROWS, source, rows)]


def _is_interlaced(image: Image.Image) -> bool:
    """Return whether a GIF that is not loaded is interlaced: its decoder is told so."""
    tiles = image.tile if isinstance(image, ImageFile.ImageFile) else []
    return image.format == "GIF" and any(
        isinstance(each.args, tuple) and each.args[1] for each in tiles
    )


def _load_over(image: ImageFile.ImageFile, fill: int) -> None:
    """Load as much as possible over pixels of one value."""
    prepare = image.load_prepare

    def prepare_filled() -> None:
        prepare()
        bands = len(image.im.getbands()) if hasattr(image.im, "getbands") else image.im.bands
        image.im.paste(fill if bands == 1 else (fill,) * bands, (0, 0, *image.size))

    image.load_prepare = prepare_filled  # type: ignore[method-assign]
    with suppress(Exception):  # whatever a decoder raises on bad bytes
        image.load()
    del image.load_prepare  # else the image refers to itself, and its memory stays for long
    image.tile = []
