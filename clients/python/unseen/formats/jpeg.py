"""JPEG [ITU-T T.81, annex B]: the segments that the pixels depend on, the orientation, the profile.

Kept are frame headers, tables and restart intervals, and of the applications' segments JFIF's and
Adobe's, which tell a decoder the colour space. Reads segments as libjpeg does, which all viewers
use: it skips what is between them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
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
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_RESTARTS: Final = 0xDD
_MARKER: Final = re.compile(rb"\xff+([^\x00\xff])")
_MARKER_BESIDE_RESTARTS: Final = re.compile(rb"\xff+[\xc0-\xcf\xd8-\xfe]")
"""libjpeg looks for the next restart behind markers that do not exist [T.81, B.1.1.3]."""
_PROGRESSIVE: Final = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_BLOCK: Final = 8


@dataclass(frozen=True, slots=True)
class Work:
    """The most that a decoder has to do, whatever is encoded."""

    scans: int
    """How often it goes over the blocks: once, or some ten times in a progressive JPEG."""
    blocks: int
    """Blocks of 8 x 8 samples, of all components."""


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


def work(data: bytes) -> Work:
    """Return what it takes to decode a JPEG."""
    header = _header(data)
    return Work(1 if header.has_one_scan else data.count(bytes((0xFF, _SCAN))), header.blocks)


def cut_after_scans(data: bytes) -> list[bytes]:
    """Return a JPEG cut off after each scan that something follows, the shortest first.

    libjpeg fails on what it does not expect behind the last scan, when it has all pixels. Viewers
    show them.
    """
    header = _header(data)
    end_of_scan = _MARKER_BESIDE_RESTARTS if header.has_restarts else _MARKER
    cuts, place = list[bytes](), header.length
    while begin := _next_scan(data, place):
        if (end := end_of_scan.search(data, begin)) is None:
            break
        place = end.start()
        cuts.append(data[:place] + _END)
        if header.has_one_scan:
            break
    return cuts


@dataclass(slots=True)
class _Header:
    """What is known before the first scan."""

    length: int = 0
    """Where the first scan begins."""
    blocks: int = 0
    has_restarts: bool = False
    has_one_scan: bool = False
    """Whether the first scan has all there is: libjpeg reads no other."""


def _header(data: bytes) -> _Header:
    header, components = _Header(len(data)), 0
    for marker, segment, start in _segments(data):
        if marker in _FRAMES and len(segment) > 9:
            header.blocks = max(header.blocks, _blocks(segment[4:]))
            components = 0 if marker in _PROGRESSIVE else segment[9]
        elif marker == _RESTARTS:
            header.has_restarts = segment[4:6] != b"\0\0"
        elif marker == _SCAN:
            header.length = start
            header.has_one_scan = components > 0 and segment[4:5] == bytes((components,))
            break
    return header


def _next_scan(data: bytes, place: int) -> int | None:
    """Return where the content of the next scan begins; None: there is none."""
    while found := _MARKER.search(data, place):
        marker, place = found[1][0], found.end()
        if marker == _END[1]:
            return None
        if marker not in _WITHOUT_CONTENT:
            place += int.from_bytes(data[place : place + 2], "big")
        if marker == _SCAN:
            return place
    return None


def _blocks(frame: bytes) -> int:
    """Return how many blocks a frame has, by its header [T.81, B.2.2 and A.1]."""
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    # A sampling factor of 0 is an error, which the decoder finds.
    factors = [(max(1, each >> 4), max(1, each & 15)) for each in frame[7::3]]
    across = _BLOCK * max((h for h, _ in factors), default=1)
    down = _BLOCK * max((v for _, v in factors), default=1)
    return -(-width // across) * -(-height // down) * sum(h * v for h, v in factors)


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
