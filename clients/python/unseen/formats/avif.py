"""AVIF and other HEIF files [ISO/IEC 23008-12]: the clean aperture of the primary image."""

import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple


class Aperture(NamedTuple):
    """The part of the image that is shown, before it is turned, in pixels."""

    left: int
    top: int
    right: int
    bottom: int


def clean_aperture(data: bytes, size: tuple[int, int]) -> Aperture | None:
    """Return the part that is shown of an image of a width and a height; None: all of it.

    Like browsers, ignores an aperture that is not valid, or does not begin at the origin.
    """
    try:
        found = _clean_aperture(data)
        return _rectangle(found, *size) if found else None
    except (struct.error, ZeroDivisionError, StopIteration, IndexError):
        return None


def _clean_aperture(data: bytes) -> bytes | None:
    meta = next(content for kind, content in _boxes(data) if kind == b"meta")[4:]
    boxes = dict(_boxes(meta))
    properties = dict(_boxes(boxes[b"iprp"])) if b"iprp" in boxes else {}
    listed = list(_boxes(properties.get(b"ipco", b"")))
    primary = _primary_item(boxes.get(b"pitm", b""))
    for number in _property_numbers(properties.get(b"ipma", b""), primary):
        kind, content = listed[number - 1] if number else (b"", b"")
        if kind == b"clap":
            return content
    return None


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the type and the content of each box."""
    place = 0
    while place + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        head = 8
        if size == 1:
            (size,), head = struct.unpack_from(">Q", data, place + 8), 16
        size = size or len(data) - place
        if size < head:
            return
        yield kind, data[place + head : place + size]
        place += size


def _primary_item(content: bytes) -> int:
    """Return the number of the primary item, from `pitm`."""
    width = "I" if content[0] else "H"
    return int(struct.unpack_from(f">{width}", content, 4)[0])


def _property_numbers(content: bytes, item: int) -> list[int]:
    """Return the numbers of an item's properties, from 1, from `ipma`."""
    version, is_wide = content[0], content[3] & 1
    (count,), place = struct.unpack_from(">I", content, 4), 8
    for _ in range(count):
        (found,) = struct.unpack_from(">I" if version else ">H", content, place)
        place += 4 if version else 2
        entries, place = content[place], place + 1
        form = f">{entries}{'H' if is_wide else 'B'}"
        numbers = struct.unpack_from(form, content, place)
        place += struct.calcsize(form)
        if found == item:
            return [number & (0x7FFF if is_wide else 0x7F) for number in numbers]
    return []


def _rectangle(content: bytes, width: int, height: int) -> Aperture | None:
    across, down, right, below = (
        Fraction(*struct.unpack_from(form, content, place))
        for form, place in ((">II", 0), (">II", 8), (">iI", 16), (">iI", 24))
    )
    left = Fraction(width, 2) + right - across / 2
    top = Fraction(height, 2) + below - down / 2
    edges = left, top, left + across, top + down
    if left or top or any(edge.denominator != 1 for edge in edges):
        return None
    if not (0 < across <= width and 0 < down <= height):
        return None
    return Aperture(*map(int, edges))
