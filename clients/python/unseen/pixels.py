"""The pixel convention `pdq-srgb-full-1`: from a file's bytes to the pixels that are hashed.

First frame; EXIF orientation applied; ICC profile converted to sRGB; alpha laid over white;
8-bit RGB; full resolution. These are the pixels that a browser shows, so the page
(clients/browser) arrives at the same ones; docs/pixel-convention.md gives the reasons.
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt
import pillow_heif
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from .errors import (
    BrokenImageError,
    NotAnImageError,
    TooManyPixelsError,
    UnreadableFileError,
)

CONVENTION: Final = "pdq-srgb-full-1"
"""The name stored with every hash."""

MAX_PIXELS: Final = 89_000_000
"""The most pixels an image may have: some 3 GB while it is hashed; phones make 12 to 50 million."""

Source = bytes | bytearray | memoryview | str | os.PathLike[str]
"""An encoded image: its bytes, or the path of its file."""

Pixels = npt.NDArray[np.uint8]
"""RGB, shape (height, width, 3), dtype uint8."""

_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "HEIF", "TIFF", "BMP")
_SIXTEEN_BIT: Final = ("I;16", "I;16L", "I;16B", "I;16N")
_MODE_OF_PROFILE: Final = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_DRAFT_SIDE: Final = 512


def decode(source: Source) -> Pixels:
    """Decode an image to the pixels of the convention, at full resolution.

    Raises UnreadableFileError, NotAnImageError, BrokenImageError or TooManyPixelsError.
    """
    with _opened(source) as image:
        return np.asarray(_upright_rgb(image))


def decode_fast(source: Source) -> Pixels:
    """Decode as `decode` does, but a large JPEG at a fraction of its size.

    libjpeg scales by powers of two while it decodes; the shorter side stays at 512 px or more.
    An untagged JPEG gives its luma only, repeated as R, G and B (a read-only view).
    Raises as `decode` does.
    """
    with _opened(source) as image:
        if image.format not in ("JPEG", "MPO"):
            return np.asarray(_upright_rgb(image))
        grey = image.mode in ("L", "RGB") and "icc_profile" not in image.info
        image.draft("L" if grey else None, _draft_size(image.size))
        if not grey:
            return np.asarray(_upright_rgb(image))
        luma = np.asarray(_upright(image, image))
        return np.broadcast_to(luma[:, :, np.newaxis], (*luma.shape, 3))


def _draft_size(size: tuple[int, int]) -> tuple[int, int]:
    """Give the smallest size to ask of libjpeg, its shorter side _DRAFT_SIDE."""
    scale = min(1.0, _DRAFT_SIDE / min(size))
    return round(size[0] * scale), round(size[1] * scale)


@contextmanager
def _opened(source: Source) -> Iterator[Image.Image]:
    """Open an image and speak for its decoder: whatever that raises becomes an ImageError."""
    _register_heif()
    with _file(source) as file:
        image = _header(file)
        if image.width * image.height > MAX_PIXELS:
            raise TooManyPixelsError(
                f"The image has {image.width} x {image.height} pixels; "
                f"at most {MAX_PIXELS // 1_000_000} million can be hashed."
            )
        try:
            with image:
                yield image
        except MemoryError as error:
            raise TooManyPixelsError("There is not enough memory to decode the image.") from error
        except Exception as error:
            # Decoders raise OSError, SyntaxError, ValueError, struct.error and more on bad bytes.
            raise BrokenImageError("The image is truncated or damaged.") from error


@contextmanager
def _file(source: Source) -> Iterator[BinaryIO]:
    """Give the source as a binary file."""
    if isinstance(source, bytes | bytearray | memoryview):
        yield io.BytesIO(source)
        return
    try:
        file = Path(source).open("rb")  # noqa: SIM115 - closed by the `with` below
    except OSError as error:
        raise UnreadableFileError(f"The file cannot be read: {error.strerror}.") from error
    with file:
        yield file


def _header(file: BinaryIO) -> Image.Image:
    """Read an image's header."""
    try:
        return Image.open(file, formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixelsError("The image has too many pixels to be hashed.") from error
    except UnidentifiedImageError as error:
        raise NotAnImageError("The file is not an image that can be decoded.") from error
    except Exception as error:
        raise BrokenImageError("The image's header is damaged.") from error


@cache
def _register_heif() -> None:
    """Teach Pillow HEIC, once."""
    pillow_heif.register_heif_opener()


def _upright_rgb(image: Image.Image) -> Image.Image:
    """Load the first frame and bring it to upright 8-bit RGB in sRGB, over white."""
    image.load()
    colour, alpha = _split(_eight_bit(image))
    colour = _to_srgb(colour, image.info.get("icc_profile"))
    if alpha is not None:
        white = Image.new("RGB", colour.size, "white")
        white.paste(colour, mask=alpha)
        colour = white
    return _upright(colour, image)


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey to 8 bits; Pillow's own conversion clips it instead."""
    if image.mode in ("I", "F"):
        raise ValueError("32-bit samples have no defined white")
    if image.mode not in _SIXTEEN_BIT:
        return image
    samples = np.asarray(image).astype(np.uint32)
    grey = Image.fromarray(((samples * 255 + 32_767) // 65_535).astype(np.uint8))
    key = image.info.get("transparency")
    if isinstance(key, int):
        grey.putalpha(Image.fromarray(np.where(samples == key, 0, 255).astype(np.uint8)))
    return grey


def _split(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Split an image into its colour (L, RGB or CMYK) and its alpha (L), if it has any."""
    alpha = None
    if image.has_transparency_data:
        _narrow_key(image)
        rgba = image.convert("RGBA")
        alpha = rgba.getchannel("A")
        image = rgba if image.mode in ("RGBa", "P", "PA") else image
    if image.mode in ("1", "L", "LA", "La"):
        return image.convert("L"), alpha
    return (image if image.mode == "CMYK" else image.convert("RGB")), alpha


def _narrow_key(image: Image.Image) -> None:
    """Bring a 16-bit PNG's transparent colour to the 8 bits that Pillow keeps of its pixels."""
    key = image.info.get("transparency")
    if isinstance(key, tuple) and max(key) > 255:
        image.info["transparency"] = tuple(sample >> 8 for sample in key)


def _to_srgb(colour: Image.Image, icc: bytes | None) -> Image.Image:
    """Convert by the embedded ICC profile; a profile that cannot be used counts as none."""
    if not icc:
        return colour.convert("RGB")
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        mode = _MODE_OF_PROFILE.get(profile.profile.xcolor_space.strip())
        if mode == "RGB" and colour.mode == "L":
            colour = colour.convert("RGB")
        if mode != colour.mode:
            return colour.convert("RGB")
        srgb = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(colour, profile, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return colour.convert("RGB")
    return converted or colour.convert("RGB")


def _upright(pixels: Image.Image, original: Image.Image) -> Image.Image:
    """Turn the pixels as the original's EXIF says, where browsers do so.

    They ignore it in WebP. Pillow has turned TIFF and HEIC already, while loading them.
    """
    if original.format not in ("JPEG", "MPO", "PNG", "AVIF") or "exif" not in original.info:
        return pixels
    exif = Image.Exif()
    exif.load(original.info["exif"])
    method = _TURNS.get(exif.get(ExifTags.Base.Orientation, 1))
    return pixels if method is None else pixels.transpose(method)


_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
