"""WebP [RFC 9649]: the picture in a file that was cut off, or whose sizes are wrong.

Viewers decode it from wherever it is, and as far as it goes. A decoder that wants a whole picture
gets more bytes behind what there is; what it makes of these shows by giving it others.
"""

import struct
from dataclasses import dataclass
from typing import Final

SIGNATURE: Final = b"RIFF"
FILLS: Final = (b"\0", b"\xa5\x3c\x96")
"""Two kinds of bytes to put behind what there is."""

_HEADER_BYTES: Final = 12
_LOSSY, _LOSSLESS, _ALPHA = b"VP8 ", b"VP8L", b"ALPH"
_FRAME_HEADER_BYTES: Final = 10
_SIZE_SHIFT: Final = 5
_MODES_ADDED, _MOST_MODES = 1 << 12, (1 << 19) - 1
_HAS_ALPHA: Final = 0x10
_SIDE: Final = 0x3FFF
_ADDED: Final = 1 << 16
_BYTES_PER_PIXEL: Final = 4
_MOST_PIXELS: Final = 8_000_000
"""Of a larger picture less is added: its file is larger as well."""


@dataclass(frozen=True, slots=True)
class Picture:
    """The picture of a file, which may be damaged."""

    kind: bytes
    content: bytes
    alpha: bytes

    def file(self, length: int, fill: bytes) -> bytes:
        """Return a file with so many bytes of the picture, and others behind them."""
        picture = self.content[:length] + fill * (self._most_missing() // len(fill))
        if self.kind == _LOSSY:
            picture = _with_more_modes(picture)
        chunks = [_chunk(self.kind, picture)]
        if self.alpha and self.kind == _LOSSY:
            flags = bytes((_HAS_ALPHA, 0, 0, 0))
            chunks = [_chunk(b"VP8X", flags + self._sides()), _chunk(_ALPHA, self.alpha), *chunks]
        content = b"WEBP" + b"".join(chunks)
        return SIGNATURE + struct.pack("<I", len(content)) + content

    def _most_missing(self) -> int:
        """Return how many bytes a decoder may want beyond what there is."""
        if self.kind == _LOSSY:
            return _ADDED
        return _ADDED + _BYTES_PER_PIXEL * min(self.pixels(), _MOST_PIXELS)

    def pixels(self) -> int:
        """Return how many pixels it has, by its own header."""
        if self.kind == _LOSSY:
            width, height = struct.unpack_from("<2H", self.content, 6)
            return int(width & _SIDE) * int(height & _SIDE)
        sides = int.from_bytes(self.content[1:5], "little")
        return (1 + (sides & _SIDE)) * (1 + (sides >> 14 & _SIDE))

    def _sides(self) -> bytes:
        """Return the width and the height as VP8X has them, by the frame's header."""
        sides = (each & _SIDE for each in struct.unpack_from("<2H", self.content, 6))
        return b"".join(max(0, side - 1).to_bytes(3, "little") for side in sides)


def find_picture(data: bytes) -> Picture | None:
    """Return the picture of a WebP without animation; None if there is none."""
    if data[:4] != SIGNATURE or data[8:_HEADER_BYTES] != b"WEBP":
        return None
    alpha, place = b"", _HEADER_BYTES
    while place + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, place)
        content = data[place + 8 : place + 8 + size]
        if kind in (_LOSSY, _LOSSLESS):
            found = Picture(kind, content, alpha)
            return found if len(content) > _FRAME_HEADER_BYTES else None
        if kind == _ALPHA:
            alpha = content
        place += 8 + size + size % 2
    return None


def _with_more_modes(picture: bytes) -> bytes:
    """Add to the first partition [RFC 6386, 9.1], whose end an altered one can miss."""
    tag = int.from_bytes(picture[:3], "little")
    modes = tag >> _SIZE_SHIFT
    added = min(_MODES_ADDED, _MOST_MODES - modes)
    tag += added << _SIZE_SHIFT
    end = _FRAME_HEADER_BYTES + modes
    return tag.to_bytes(3, "little") + picture[3:end] + bytes(added) + picture[end:]


def _chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
