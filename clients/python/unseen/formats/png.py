"""PNG [W3C PNG, third edition]: the chunks that the pixels depend on, the orientation, the profile.

Of an animation, the first frame that is shown: that is not the default image if no `fcTL` comes
before it. A chunk that is not needed to show the image is ignored if it is damaged.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, NamedTuple

from ..errors import BrokenImageError
from . import colour, exif
from .prepared import Frame, Prepared

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"

_LARGEST_PROFILE: Final = 4 << 20
_HEADER_BYTES: Final = 13
_KEY_BYTES: Final = {0: 2, 2: 6}
"""The size of a transparent colour, by colour type."""
_PALETTE: Final = 3
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_STEP: Final = 4_096
"""Compressed bytes that are lost at most before damaged ones."""
_MOST_BYTES: Final = 1 << 30
"""The most decompressed bytes: more than any image has that is not refused for its size."""


class Chunk(NamedTuple):
    """A chunk: its type, content, and itself as it is in the file."""

    kind: bytes
    content: bytes
    whole: bytes

    @property
    def is_cut(self) -> bool:
        """Whether the file ends within it."""
        return len(self.whole) < int.from_bytes(self.whole[:4], "big") + 12

    @property
    def is_sound(self) -> bool:
        """Whether its checksum is right."""
        return self.whole == _chunk(self.kind, self.content)


class _Animation(NamedTuple):
    """The first frame of an animation, apart from the default image."""

    control: bytes
    data: list[bytes]


def prepare(data: bytes) -> Prepared:
    """Return a PNG without its metadata. Raises BrokenImageError if it has no picture."""
    chunks = list(_chunks(data))
    if not chunks or chunks[0].kind != b"IHDR" or len(chunks[0].content) != _HEADER_BYTES:
        raise BrokenImageError("The image's header is damaged.")
    header = chunks[0]
    pixels = [each for each in chunks if each.kind == b"IDAT"]
    if not pixels:
        raise BrokenImageError("The image is truncated: it ends before its pixels.")
    before = chunks[: chunks.index(pixels[0])]
    animated = _first_frame(chunks, before)
    kept = [header.whole, *_colours(before, header.content[9])]
    frame = None
    if animated:
        width, height, left, top = struct.unpack_from(">4I", animated.control, 4)
        kept[0] = _chunk(b"IHDR", struct.pack(">2I", width, height) + header.content[8:])
        frame = Frame(struct.unpack_from(">2I", header.content), (left, top))
        kept += [_chunk(b"IDAT", b"".join(animated.data))]
    elif pixels[-1].is_cut:
        kept += [_chunk(b"IDAT", _complete([each.content for each in pixels]))]
    else:
        kept += [each.whole for each in pixels]
    return Prepared(
        b"".join([SIGNATURE, *kept, _chunk(b"IEND", b"")]),
        orientation=exif.orientation(_content(chunks, b"eXIf")),
        profile=_profile(before),
        frame=frame,
        has_end=chunks[-1].kind == b"IEND",
    )


def _chunks(data: bytes) -> Iterator[Chunk]:
    """Yield the chunks up to the end; the last may be cut off."""
    place = len(SIGNATURE)
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        end = place + 12 + length
        yield Chunk(kind, data[place + 8 : place + 8 + length], data[place:end])
        if kind == b"IEND":
            return
        place = end


def _complete(parts: list[bytes]) -> bytes:
    """Join compressed pixels that were cut off. Raises BrokenImageError if some are missing."""
    content, reader, size = b"".join(parts), zlib.decompressobj(), 0
    try:
        for start in range(0, len(content), _STEP):
            size += len(reader.decompress(content[start : start + _STEP]))
            if size > _MOST_BYTES:
                break
    except zlib.error:
        raise BrokenImageError("The image is damaged.") from None
    if not reader.eof:
        raise BrokenImageError("The image is truncated: a part of it is missing.")
    return content


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def _content(chunks: list[Chunk], kind: bytes) -> bytes:
    """Return the content of the first sound chunk of a kind; nothing if there is none."""
    return next((each.content for each in chunks if each.kind == kind and each.is_sound), b"")


def _colours(chunks: list[Chunk], colour_type: int) -> list[bytes]:
    """Return the palette and the transparent colours, if they are valid."""
    kept = [each.whole for each in chunks if each.kind == b"PLTE"][:1]
    colours = len(_content(chunks, b"PLTE")) // 3
    key = _content(chunks, b"tRNS")
    if colour_type == _PALETTE:
        is_valid = 0 < len(key) <= colours
    else:
        is_valid = len(key) == _KEY_BYTES.get(colour_type)
    return [*kept, _chunk(b"tRNS", key)] if is_valid else kept


def _profile(chunks: list[Chunk]) -> bytes | None:
    """Return a profile of the colour space, by the chunk that counts most; None if it is sRGB."""
    if code_points := _content(chunks, b"cICP"):
        return colour.from_code_points(code_points)
    if profile := _embedded_profile(_content(chunks, b"iCCP")):
        return profile
    if _content(chunks, b"sRGB"):
        return None
    return colour.from_gamma(_content(chunks, b"gAMA"), _content(chunks, b"cHRM"))


def _embedded_profile(content: bytes) -> bytes | None:
    """Return the ICC profile in an `iCCP` chunk; None if it cannot be read, or is very large."""
    _, separator, rest = content.partition(b"\0")
    if not separator or rest[:1] != b"\0":
        return None
    reader = zlib.decompressobj()
    try:
        profile = reader.decompress(rest[1:], _LARGEST_PROFILE)
    except zlib.error:
        return None
    return profile if reader.eof else None


def _first_frame(chunks: list[Chunk], before: list[Chunk]) -> _Animation | None:
    """Return the first frame of an animation if it is not the default image."""
    announced = _content(before, b"acTL")
    frames = int.from_bytes(announced[:4], "big") if len(announced) == 8 else 0
    if not frames or any(each.kind == b"fcTL" for each in before):
        return None
    after = iter(chunks[len(before) :])
    control = next((each.content for each in after if each.kind == b"fcTL" and each.is_sound), b"")
    data = []
    for each in after:
        if each.kind == b"fcTL":
            break
        if each.kind == b"fdAT" and each.is_sound:
            data.append(each.content[4:])
    return _Animation(control, data) if len(control) == 26 and data else None


def repaired(data: bytes, most_pixels: int) -> bytes | None:
    """Return a damaged PNG with the rows that can be decoded, and white or nothing in the others.

    That is what browsers show of it. None if nothing can be decoded, or the image is interlaced or
    has more than `most_pixels`.
    """
    chunks = list(_chunks(data))
    if not chunks or chunks[0].kind != b"IHDR" or not chunks[0].is_sound:
        return None
    width, height, depth, colour_type, *_, interlaced = struct.unpack(">2I5B", chunks[0].content)
    channels = _CHANNELS.get(colour_type, 0)
    if interlaced or not channels * depth or not 0 < width * height <= most_pixels:
        return None
    row = (width * channels * depth + 7) // 8
    pixels = b"".join(each.content for each in chunks if each.kind == b"IDAT")
    rows = _inflated(pixels, height * (row + 1))
    rows = rows[: len(rows) // (row + 1) * (row + 1)]
    if not rows:
        return None
    missing = height - len(rows) // (row + 1)
    empty = b"\xff" if colour_type in _KEY_BYTES else b"\0"
    content = zlib.compress(rows + (b"\0" + empty * row) * missing, 1)
    before = [each.whole for each in chunks if each.kind not in (b"IDAT", b"IEND", b"fdAT")]
    return b"".join([SIGNATURE, *before, _chunk(b"IDAT", content), _chunk(b"IEND", b"")])


def _inflated(content: bytes, most: int) -> bytes:
    """Decompress as far as possible, but at most so many bytes."""
    reader, parts, left = zlib.decompressobj(), list[bytes](), most
    for start in range(0, len(content), _STEP):
        step, before = content[start : start + _STEP], reader.copy()
        try:
            parts.append(reader.decompress(step))
        except zlib.error:
            parts += _inflated_bytewise(before, step)
            break
        left -= len(parts[-1])
        if left <= 0:
            break
    return b"".join(parts)[:most]


def _inflated_bytewise(reader: "zlib._Decompress", content: bytes) -> Iterator[bytes]:
    """Yield what can be decompressed before an error: a call that fails returns nothing."""
    with suppress(zlib.error):
        for place in range(len(content)):
            yield reader.decompress(content[place : place + 1])
