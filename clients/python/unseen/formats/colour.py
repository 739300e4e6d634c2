"""Colour spaces that a PNG names without an ICC profile, as profiles.

`cICP` says it in the code points of [ITU-T H.273], `gAMA` and `cHRM` in numbers.
"""

import struct
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Primaries = tuple[tuple[float, float], ...]
"""The chromaticities of white, red, green and blue."""

_D65: Final = (0.3127, 0.3290)
SRGB: Final[Primaries] = (_D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_PRIMARIES: Final[dict[int, Primaries]] = {
    1: SRGB,
    5: (_D65, (0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: (_D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    9: (_D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    12: (_D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
_D50: Final = np.array((0.9642, 1.0, 0.8249))
_BRADFORD: Final = np.array(
    ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
)
_SDR_WHITE: Final = 203.0
"""The luminance of white in cd/m2 at which HDR is shown on a page [ITU-R BT.2408]."""
_SAMPLES: Final = 4096


def from_code_points(content: bytes) -> bytes | None:
    """Return a profile for the content of `cICP`; None if it is sRGB, or is not supported."""
    if len(content) != 4 or content[2] != 0:
        return None
    primaries, curve = _PRIMARIES.get(content[0]), _CURVES.get(content[1])
    if primaries is None or curve is None or (primaries is SRGB and curve is _srgb):
        return None
    return _profile(primaries, curve)


def from_gamma(gamma: bytes, chromaticities: bytes) -> bytes | None:
    """Return a profile for the contents of `gAMA` and `cHRM`; None if it is nearly sRGB."""
    if len(gamma) != 4 or not (stored := int.from_bytes(gamma, "big")):
        return None
    exponent = 100_000 / stored
    primaries = SRGB
    if len(chromaticities) == 32:
        numbers = [n / 100_000 for n in struct.unpack(">8I", chromaticities)]
        primaries = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    is_near = np.allclose(primaries, SRGB, atol=0.002)
    if is_near and abs(exponent - 2.2) < 0.03:
        return None
    try:
        return _profile(SRGB if is_near else primaries, lambda x: x**exponent)
    except (np.linalg.LinAlgError, ArithmeticError, ValueError, struct.error):
        return None  # these are no colours


def _profile(primaries: Primaries, curve: Callable[[Floats], Floats]) -> bytes:
    """Return an ICC profile of version 2 with a matrix and one curve for all channels."""
    columns = _to_pcs(primaries)
    samples = np.clip(curve(np.linspace(0, 1, _SAMPLES)), 0, 1)
    table = np.round(samples * 65_535).astype(">u2").tobytes()
    tags = {
        **{name: b"XYZ \0\0\0\0" + _fixed(*column) for name, column in zip(
            (b"rXYZ", b"gXYZ", b"bXYZ"), columns.T, strict=True)},
        b"wtpt": b"XYZ \0\0\0\0" + _fixed(*_D50),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"),
                        b"curv\0\0\0\0" + struct.pack(">I", _SAMPLES) + table),
    }  # fmt: skip
    return _assembled(tags)


def _assembled(tags: dict[bytes, bytes]) -> bytes:
    """Return a profile with some tags; equal contents are stored once."""
    place = 128 + 4 + 12 * len(tags)
    listed, contents, places = [], [], dict[bytes, int]()
    for name, content in tags.items():
        if content not in places:
            places[content] = place
            contents.append(content + bytes(-len(content) % 4))
            place += len(contents[-1])
        listed.append(struct.pack(">4sII", name, places[content], len(content)))
    header = struct.pack(">I4sI4s4s4s", place, b"", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">12x4s28x", b"acsp") + _fixed(*_D50)
    body = [header.ljust(128, b"\0"), struct.pack(">I", len(tags)), *listed, *contents]
    return b"".join(body)


def _fixed(*numbers: float) -> bytes:
    return struct.pack(f">{len(numbers)}i", *(round(number * 65_536) for number in numbers))


def _to_pcs(primaries: Primaries) -> Floats:
    """Return the matrix from linear RGB to XYZ under D50, shape (3, 3)."""
    white, *colours = (np.array((x / y, 1.0, (1 - x - y) / y)) for x, y in primaries)
    matrix = np.array(colours).T
    matrix = matrix * np.linalg.solve(matrix, white)
    scale = np.diag((_BRADFORD @ _D50) / (_BRADFORD @ white))
    adapted: Floats = np.linalg.inv(_BRADFORD) @ scale @ _BRADFORD @ matrix
    return adapted


def _srgb(x: Floats) -> Floats:
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def _pq(x: Floats) -> Floats:
    """SMPTE ST 2084, with white at _SDR_WHITE."""
    power = x ** (1 / 78.84375)
    light = np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)
    return np.asarray(light ** (1 / 0.1593017578125) * 10_000 / _SDR_WHITE)


def _hlg(x: Floats) -> Floats:
    """ARIB STD-B67 on a display of 1,000 cd/m2, with white at _SDR_WHITE."""
    scene = np.where(x <= 0.5, x**2 / 3, (np.exp((x - 0.55991073) / 0.17883277) + 0.28466892) / 12)
    return np.asarray(scene**1.2 * 1_000 / _SDR_WHITE)


_CURVES: Final[dict[int, Callable[[Floats], Floats]]] = {
    **dict.fromkeys((1, 6, 13, 14, 15), _srgb),
    4: lambda x: x**2.2,
    5: lambda x: x**2.8,
    8: lambda x: x,
    16: _pq,
    18: _hlg,
}
