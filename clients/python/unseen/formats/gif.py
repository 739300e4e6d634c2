"""GIF89a: the first frame, and where it lies on the screen.

Browsers leave what the frame does not cover transparent, and enlarge a screen that is too small.
"""

import struct
from typing import Final

from ..errors import BrokenImageError
from .prepared import Frame, Prepared

SIGNATURE: Final = b"GIF8"

_SCREEN_BYTES: Final = 13
_TRAILER: Final = b";"
_EXTENSION, _IMAGE = 0x21, 0x2C
_CONTROL: Final = 0xF9


def prepare(data: bytes) -> Prepared:
    """Return a GIF of the first frame alone. Raises BrokenImageError if there is none."""
    try:
        return _first_frame(data)
    except (struct.error, IndexError):
        raise BrokenImageError("The image is truncated: it ends before its pixels.") from None


def _first_frame(data: bytes) -> Prepared:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    place = _SCREEN_BYTES + _table_bytes(flags)
    colours, control = data[_SCREEN_BYTES:place], b""
    while (kind := data[place]) != _IMAGE:
        if kind != _EXTENSION:
            raise BrokenImageError("The image is damaged: it has no first frame.")
        end = _end_of_blocks(data, place + 2)
        if data[place + 1] == _CONTROL:
            control = data[place:end]
        place = end
    left, top, across, down, local = struct.unpack_from("<4HB", data, place + 1)
    frame = struct.pack("<B4HB", _IMAGE, 0, 0, across, down, local)
    start = place + len(frame)
    screen = struct.pack("<2H", across, down)
    kept = [data[:6], screen, data[10:_SCREEN_BYTES], colours, control, frame, data[start:]]
    canvas = max(width, left + across), max(height, top + down)
    covers = canvas == (across, down)
    return Prepared(b"".join(kept), frame=None if covers else Frame(canvas, (left, top)))


def _table_bytes(flags: int) -> int:
    """Return the size of the colour table that some flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _end_of_blocks(data: bytes, place: int) -> int:
    """Return where the blocks that begin at a place end."""
    while size := data[place]:
        place += size + 1
    return place + 1
