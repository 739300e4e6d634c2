"""Files that are damaged or unusual where it does not matter, or whose pixels are not the obvious.

Any viewer shows them; decoders often refuse them, or give other pixels.
"""

import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_END = 33
"""Where the first chunk of a PNG ends."""
_ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
"""The passes of an interlaced PNG: first column, first row, and the steps between them."""


def chunk(kind: bytes, content: bytes, *, checksum: int | None = None) -> bytes:
    """Return a PNG chunk, with its own checksum or a wrong one."""
    own = zlib.crc32(kind + content)
    return struct.pack(">I4s", len(content), kind) + content + struct.pack(">I", checksum or own)


def with_chunk(png: bytes, added: bytes) -> bytes:
    """Return a PNG with a chunk after its header."""
    return png[:_HEADER_END] + added + png[_HEADER_END:]


def interlaced(pixels: "np.ndarray[Any, Any]") -> bytes:
    """Return RGB pixels of shape (height, width, 3) as a PNG that is interlaced (Adam7)."""
    height, width, _ = pixels.shape
    rows = b"".join(
        b"\0" + row.tobytes()
        for left, top, across, down in _ADAM7
        for row in pixels[top::down, left::across]
        if row.size
    )
    header = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 1)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    return SIGNATURE + body


def segment(marker: int, content: bytes) -> bytes:
    """Return a JPEG segment."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def with_segment(jpeg: bytes, marker: int, content: bytes) -> bytes:
    """Return a JPEG with a segment before all others."""
    return jpeg[:2] + segment(marker, content) + jpeg[2:]


def with_short_jfif(jpeg: bytes) -> bytes:
    """Return a JPEG whose JFIF segment has no density."""
    length = int.from_bytes(jpeg[4:6], "big")
    return jpeg[:2] + b"\xff\xe0\x00\x07JFIF\0" + jpeg[4 + length :]


def with_second_scan(jpeg: bytes) -> bytes:
    """Return a JPEG with its only scan again, which no decoder reads."""
    return jpeg[:-2] + jpeg[jpeg.rindex(b"\xff\xda") :]


def in_part(gif: bytes, canvas: tuple[int, int], at: tuple[int, int]) -> bytes:
    """Return a GIF whose frame covers a part of the screen."""
    start = gif.index(b"\x2c\0\0\0\0")
    moved = b"\x2c" + struct.pack("<2H", *at)
    return gif[:6] + struct.pack("<2H", *canvas) + gif[10:start] + moved + gif[start + 5 :]


def with_aperture(avif: bytes, size: tuple[int, int], shown: tuple[int, int]) -> bytes:
    """Return an AVIF of one image with a clean aperture: what is shown of it, from the origin."""
    sides = [(part, 1) for part in shown]
    offsets = [(part - whole, 2) for part, whole in zip(shown, size, strict=True)]
    numbers = [n for pair in (*sides, *offsets) for n in pair]
    clap = struct.pack(">I4s8i", 40, b"clap", *numbers)
    ipco, ipma = avif.index(b"ipco") - 4, avif.index(b"ipma") - 4
    content, properties = avif[ipco + 8 : ipma], 0
    while content:
        content, properties = content[int.from_bytes(content[:4], "big") :], properties + 1
    end = ipma + int.from_bytes(avif[ipma : ipma + 4], "big")
    listed = bytearray(avif[ipma:end] + bytes((0x80 | properties + 1,)))
    listed[18] += 1  # properties of the first item
    changed = bytearray(avif[:ipma] + clap + listed + avif[end:])
    added = len(clap) + 1
    boxes = (avif.index(b"meta") - 4, avif.index(b"iprp") - 4, ipco)
    for place, more in [*((each, added) for each in boxes[:2]), (ipco, 40), (ipma + 40, 1)]:
        (old,) = struct.unpack_from(">I", changed, place)
        struct.pack_into(">I", changed, place, old + more)
    pixels = struct.pack(">I", avif.index(b"mdat") + 4)
    at = changed.index(pixels, changed.index(b"iloc"))
    struct.pack_into(">I", changed, at, int.from_bytes(pixels, "big") + added)
    return bytes(changed)


def hidden_default(hidden: bytes, shown: bytes, size: tuple[int, int]) -> bytes:
    """Return an animation that begins with another PNG's pixels: the default image is not shown."""
    control = struct.pack(">I4I2H2B", 0, *size, 0, 0, 1, 10, 0, 0)
    frame = chunk(b"fcTL", control) + chunk(b"fdAT", struct.pack(">I", 1) + _pixels(shown))
    end = chunk(b"IEND", b"")
    start = hidden[:_HEADER_END] + chunk(b"acTL", struct.pack(">2I", 1, 0))
    return start + chunk(b"IDAT", _pixels(hidden)) + frame + end


def _pixels(png: bytes) -> bytes:
    """Return the compressed pixels of a PNG."""
    found, place = b"", len(SIGNATURE)
    while place < len(png):
        length, kind = struct.unpack_from(">I4s", png, place)
        found += png[place + 8 : place + 8 + length] if kind == b"IDAT" else b""
        place += 12 + length
    return found


def linear(image: Image.Image) -> Image.Image:
    """Return an image with samples in linear light, of 8 bits."""
    value = np.asarray(image) / 255
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return Image.fromarray((light * 255).round().astype(np.uint8))


def grey_tiff(samples: np.ndarray[Any, Any], bits: int, *, white_is_zero: bool) -> bytes:
    """Return an uncompressed grey TIFF of samples of shape (height, width), with 12 or 16 bits."""
    height, width = samples.shape
    if bits == 12:
        first, second = samples[:, ::2].astype(int), samples[:, 1::2].astype(int)
        packed = (first >> 4, (first & 15) << 4 | second >> 8, second & 255)
        data = np.stack(packed, axis=-1).astype(np.uint8).tobytes()
    else:
        data = samples.astype("<u2").tobytes()
    tags = {
        256: width, 257: height, 258: bits, 259: 1, 262: 0 if white_is_zero else 1, 273: 8,
        277: 1, 278: height, 279: len(data),
    }  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return struct.pack("<2sHI", b"II", 42, 8 + len(data)) + data + directory
