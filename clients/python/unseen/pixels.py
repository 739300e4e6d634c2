"""The pixel convention `pdq-srgb-full-2`: from a file's bytes to the pixels that are hashed.

First frame; EXIF orientation applied; ICC profile converted to sRGB; alpha composited over white;
8-bit RGB; full resolution. These are the pixels that a browser shows, so the page
(clients/browser) gets the same ones; docs/pixel-convention.md gives the reasons.
"""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt
import pillow_heif
from PIL import Image, ImageCms, UnidentifiedImageError

from .errors import (
    BrokenImageError,
    ImageError,
    NotAnImageError,
    TooManyPixelsError,
    UnreadableFileError,
)
from .formats import avif, cost, exif, gif, jpeg, png
from .formats.prepared import Frame, Prepared

MAX_PIXELS: Final = 89_000_000
"""The most pixels of an image, which take 3 GB to hash; phone photos have 12 to 50 million."""

Source = bytes | bytearray | memoryview | str | os.PathLike[str]
"""An encoded image: its bytes, or the path of its file."""

Pixels = npt.NDArray[np.uint8]
"""RGB, shape (height, width, 3), dtype uint8."""

_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "HEIF", "TIFF", "BMP")
_SIXTEEN_BIT: Final = ("I;16", "I;16L", "I;16B", "I;16N")
_MODE_OF_PROFILE: Final = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_PREPARE: Final[dict[bytes, Callable[[bytes], Prepared]]] = {
    jpeg.SIGNATURE: jpeg.prepare,
    png.SIGNATURE: png.prepare,
    gif.SIGNATURE: gif.prepare,
}
_LONGEST_SIGNATURE: Final = 8
_BITS_PER_SAMPLE: Final = 258
_PHOTOMETRIC: Final = 262
_WHITE_IS_ZERO: Final = 0
_PADDING: Final = bytes(number * 73 % 251 for number in range(4_096))
"""Bytes that a JPEG decoder takes for pixels."""


def decode(source: Source) -> Pixels:
    """Decode an image to the pixels of the convention, at full resolution.

    Raises UnreadableFileError, NotAnImageError, BrokenImageError or TooManyPixelsError.
    """
    try:
        return _exact(source)
    except BrokenImageError:
        # What follows the only scan of a JPEG changes no pixel.
        if len(cuts := cut_after_scans(source)) != 1:
            raise
        return _exact(cuts[0])


def _exact(source: Source) -> Pixels:
    with open_image(source) as opened:
        if not opened.is_complete():
            raise BrokenImageError("The image is truncated: a part of it is missing.")
        rgb = opened.over_white(opened.shown()).convert("RGB")
        turn = _TURNS.get(opened.orientation)
        return np.asarray(rgb if turn is None else rgb.transpose(turn))


def cut_after_scans(source: Source) -> list[bytes]:
    """Return a JPEG cut off after each scan; nothing if it is none."""
    with open_file(source) as file:
        data = file.read(len(jpeg.SIGNATURE))
        return jpeg.cut_after_scans(data + file.read()) if data == jpeg.SIGNATURE else []


@dataclass(frozen=True, slots=True)
class Opened:
    """An image whose pixels have not been decoded, and what is to be applied to them."""

    image: Image.Image
    prepared: Prepared | None
    """None: in a format whose metadata the decoder reads."""
    aperture: avif.Aperture | None
    """The part that is shown; None: all of it."""
    file_size: int
    """In bytes."""

    @property
    def work(self) -> jpeg.Work | None:
        """What it takes to decode a JPEG; None for others."""
        is_jpeg = self.image.format == "JPEG"
        return jpeg.work(self.prepared.data) if self.prepared and is_jpeg else None

    @property
    def size(self) -> tuple[int, int]:
        """The width and height that are shown, before the orientation is applied."""
        frame = self.prepared and self.prepared.frame
        if self.aperture:
            return self.aperture.right, self.aperture.bottom
        return frame.canvas if frame else self.image.size

    @property
    def profile(self) -> bytes | None:
        """The ICC profile."""
        return self.prepared.profile if self.prepared else self.image.info.get("icc_profile")

    @property
    def orientation(self) -> int:
        """The EXIF orientation to apply, 1 to 8.

        Browsers ignore that of WebP. Pillow has applied that of TIFF and HEIC while loading them.
        """
        if self.prepared:
            return self.prepared.orientation
        data = self.image.info.get("exif") if self.image.format == "AVIF" else None
        return exif.orientation(data.removeprefix(b"Exif\0\0")) if data else 1

    def is_complete(self) -> bool:
        """Return whether no pixels are missing.

        Without its end, a JPEG can lack its end only. Viewers show what is missing in grey. If that
        changes with what is put in its place, pixels are missing. If that takes too long to find
        out, some may be.
        """
        if self.prepared is None or self.prepared.has_end or (work := self.work) is None:
            return True
        if cost.is_too_much(work, self.file_size, times=3):
            return False
        jpeg_data = self.prepared.data
        return np.array_equal(_thumbnail(jpeg_data, b""), _thumbnail(jpeg_data, _PADDING))

    def shown(self) -> Image.Image:
        """Decode the part that is shown, on its canvas, in the colours of the file."""
        self.image.load()
        frame = self.prepared and self.prepared.frame
        image = _on_canvas(self.image, frame) if frame else self.image
        return image.crop(self.aperture) if self.aperture else image

    def over_white(self, part: Image.Image) -> Image.Image:
        """Convert a part of it to 8-bit sRGB over white: RGB, or L if grey without a profile."""
        tags = getattr(self.image, "tag_v2", {})
        bits = tags.get(_BITS_PER_SAMPLE, (16,))[0]
        is_inverted = tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
        return _over_white(_eight_bit(part, bits, is_inverted=is_inverted), self.profile)


def _on_canvas(image: Image.Image, frame: Frame) -> Image.Image:
    """Put a frame on its canvas, which is transparent."""
    canvas = Image.new("RGBA", frame.canvas)
    canvas.paste(image.convert("RGBA"), frame.at)
    return canvas


def _thumbnail(jpeg: bytes, more: bytes) -> npt.NDArray[np.uint8]:
    """Decode a JPEG with some bytes before its end; a baseline one at an eighth of its size."""
    with Image.open(io.BytesIO(jpeg[:-2] + more + jpeg[-2:]), formats=("JPEG",)) as image:
        if "progressive" not in image.info:
            # Without a scale if the decoder cannot convert to the mode: CMYK to L, for example.
            mode = "L" if image.mode == "RGB" else image.mode
            image.draft(mode, (image.width // 8, image.height // 8))
        return np.asarray(image.convert("L"))


@contextmanager
def open_image(source: Source) -> Iterator[Opened]:
    """Open an image; whatever its decoder raises becomes an ImageError."""
    _register_heif()
    with open_file(source) as file:
        with _as_image_errors("The image is damaged."):
            prepared = _prepare(file)
        image = _header(io.BytesIO(prepared.data) if prepared else file)
        with _as_image_errors("The image is damaged."):
            opened = Opened(image, prepared, _aperture(file, image), file.seek(0, os.SEEK_END))
        width, height = opened.size
        if max(width * height, image.width * image.height) > MAX_PIXELS:
            raise TooManyPixelsError(
                f"The image has {width} x {height} pixels; "
                f"at most {MAX_PIXELS // 1_000_000} million can be hashed."
            )
        with _as_image_errors("The image is truncated or damaged."), image:
            yield opened


@contextmanager
def _as_image_errors(message: str) -> Iterator[None]:
    """Turn whatever is raised into an ImageError: a BrokenImageError if the bytes are bad."""
    try:
        yield
    except ImageError:
        raise
    except MemoryError as error:
        raise TooManyPixelsError("There is not enough memory to decode the image.") from error
    except Exception as error:
        # Its traceback leads to the image, and from contextlib's frames back to the error itself.
        error.__traceback__ = None
        raise _unreadable(error) or BrokenImageError(message) from error


@contextmanager
def open_file(source: Source) -> Iterator[BinaryIO]:
    """Yield the source as a binary file."""
    if isinstance(source, bytes | bytearray | memoryview):
        yield io.BytesIO(source)
        return
    try:
        file = Path(source).open("rb")  # noqa: SIM115 - closed by the `with` below
    except OSError as error:
        raise UnreadableFileError(f"The file cannot be read: {error.strerror}.") from error
    with file:
        yield file


def _prepare(file: BinaryIO) -> Prepared | None:
    """Read a file without its metadata, if it has a format that is read in this package."""
    start = file.read(_LONGEST_SIGNATURE)
    file.seek(0)
    for signature, prepare in _PREPARE.items():
        if start.startswith(signature):
            return prepare(file.read())
    return None


def _aperture(file: BinaryIO, image: Image.Image) -> avif.Aperture | None:
    """Return the part of an AVIF that is shown; None: all of it."""
    if image.format != "AVIF":
        return None
    file.seek(0)
    return avif.clean_aperture(file.read(), image.size)


def _header(file: BinaryIO) -> Image.Image:
    """Read an image's header."""
    try:
        return Image.open(file, formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixelsError("The image has too many pixels to be hashed.") from error
    except UnidentifiedImageError as error:
        raise NotAnImageError("The file is not an image that can be decoded.") from error
    except Exception as error:
        raise _unreadable(error) or BrokenImageError("The image's header is damaged.") from error


def _unreadable(error: Exception) -> UnreadableFileError | None:
    """Return an error if the medium failed, None if the bytes are bad.

    Decoders raise OSError, SyntaxError, ValueError, struct.error and more on bad bytes; only
    the operating system's own errors have an errno.
    """
    if isinstance(error, OSError) and error.errno is not None:
        return UnreadableFileError(f"The file cannot be read: {error.strerror}.")
    return None


@cache
def _register_heif() -> None:
    """Register the HEIC decoder with Pillow, once."""
    pillow_heif.register_heif_opener()


def _over_white(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert a loaded image to 8-bit sRGB over white: RGB, or L if grey without a profile."""
    colour, alpha = _split(image)
    colour = _to_srgb(colour, profile)
    if alpha is not None:
        white = Image.new(colour.mode, colour.size, "white")
        white.paste(colour, mask=alpha)
        colour = white
    return colour


def _eight_bit(image: Image.Image, bits: int, *, is_inverted: bool) -> Image.Image:
    """Scale 12 and 16-bit grey to 8 bits; Pillow's own conversion would clip it."""
    if image.mode in ("I", "F"):
        raise ValueError("32-bit samples have no defined white")
    if image.mode not in _SIXTEEN_BIT:
        return image
    samples = np.asarray(image).astype(np.uint32)
    white = (1 << bits) - 1
    scaled = ((samples * 255 + white // 2) // white).astype(np.uint8)
    grey = Image.fromarray(255 - scaled if is_inverted else scaled)
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
    """Reduce a 16-bit PNG's transparent colour to 8 bits, as Pillow does with its pixels."""
    key = image.info.get("transparency")
    if isinstance(key, tuple) and max(key) > 255:
        image.info["transparency"] = tuple(sample >> 8 for sample in key)


def _to_srgb(colour: Image.Image, icc: bytes | None) -> Image.Image:
    """Convert with the embedded ICC profile; ignore a profile that cannot be used."""
    if not icc:
        return colour if colour.mode == "L" else colour.convert("RGB")
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


_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
