"""JPEG [ITU-T T.81, annex B]: the segments that the pixels depend on, the orientation, the profile.

Kept are frame headers, tables and restart intervals, and of the applications' segments JFIF's and
Adobe's, which tell a decoder the colour space. Reads segments as libjpeg does, which all viewers
use: it skips what is between them.
"""

from collections.abc import Iterator
from typing import Final

from ..errors import BrokenImageError
from . import exif
from .prepared import Prepared

SIGNATURE: Final = b"\xff\xd8\xff"

_START: Final = b"\xff\xd8"
_END: Final = b"\xff\xd9"
_SCAN: Final = 0xDA
_WITHOUT_CONTENT: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_KEPT: Final = frozenset({*range(0xC0, 0xD0), _SCAN, 0xDB, 0xDC, 0xDD}) - {0xC8}
_EXIF, _PROFILE, _ADOBE = 0xE1, 0xE2, 0xEE
_JFIF: Final = 0xE0
_PLAIN_JFIF: Final = b"\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
_EXIF_PREFIX: Final = b"Exif\0"
_PROFILE_PREFIX: Final = b"ICC_PROFILE\0"


def prepare(data: bytes) -> Prepared:
    """Return a JPEG without its metadata. Raises BrokenImageError if it has no picture."""
    kept, found, parts = [_START], list[bytes](), list[bytes]()
    for marker, segment, start in _segments(data):
        content = segment[4:]
        if marker == _SCAN:
            end = data.rfind(_END, start)
            kept += [data[start:], b"" if end >= 0 else _END]
            turned = next(filter(None, found), b"")
            return Prepared(
                b"".join(kept),
                orientation=exif.orientation(turned),
                profile=_joined(parts),
                has_end=end >= 0,
            )
        if marker in _KEPT:
            kept.append(segment)
        elif marker == _JFIF and content.startswith(b"JFIF\0") and len(content) >= 14:
            kept.append(_PLAIN_JFIF)
        elif marker == _ADOBE and content.startswith(b"Adobe") and len(content) >= 12:
            kept.append(segment)
        elif marker == _EXIF and content.startswith(_EXIF_PREFIX):
            found.append(content[len(_EXIF_PREFIX) + 1 :])
        elif marker == _PROFILE and content.startswith(_PROFILE_PREFIX):
            parts.append(content[len(_PROFILE_PREFIX) :])
    raise BrokenImageError("The image is truncated: it ends before its pixels.")


def _segments(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Yield each segment up to the first scan: its marker, itself, and where it begins."""
    place = len(_START)
    while (place := data.find(b"\xff", place)) >= 0:
        start = place
        while data[place : place + 1] == b"\xff":
            place += 1
        if place >= len(data):
            return
        marker, place = data[place], place + 1
        if not marker or marker in _WITHOUT_CONTENT:
            continue
        length = int.from_bytes(data[place : place + 2], "big")
        if marker == _END[1] or length < 2 or place + length > len(data):
            return
        yield marker, b"\xff" + data[place - 1 : place + length], start
        place += length


def _joined(parts: list[bytes]) -> bytes | None:
    """Return the profile in some segments, each with its number and how many there are."""
    parts = sorted(parts)
    numbers = [part[0] for part in parts if len(part) > 2]
    if numbers != list(range(1, len(parts) + 1)) or any(part[1] != len(parts) for part in parts):
        return None
    return b"".join(part[2:] for part in parts) or None
