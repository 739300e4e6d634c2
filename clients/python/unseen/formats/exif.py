"""The orientation in EXIF data, which is a TIFF file: [EXIF 2.32, 4.6].

Whatever cannot be read counts as upright, as in browsers.
"""

import struct
from typing import Final

_BYTE_ORDERS: Final = {b"II*\0": "<", b"MM\0*": ">"}
_ORIENTATION: Final = 0x0112
_SHORT: Final = 3
_ENTRY_BYTES: Final = 12


def orientation(data: bytes) -> int:
    """Return the orientation, 1 to 8, in EXIF data without the prefix `Exif` of a JPEG."""
    order = _BYTE_ORDERS.get(data[:4])
    if order is None:
        return 1
    try:
        return _orientation(data, order)
    except struct.error:
        return 1


def _orientation(data: bytes, order: str) -> int:
    (directory,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, directory)
    for number in range(count):
        entry = directory + 2 + number * _ENTRY_BYTES
        tag, kind, values, value = struct.unpack_from(f"{order}HHIH", data, entry)
        if tag == _ORIENTATION:
            return value if (kind, values) == (_SHORT, 1) and 1 <= value <= 8 else 1
    return 1
