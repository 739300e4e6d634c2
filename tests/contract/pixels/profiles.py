"""Builds ICC profiles of three matrix colour spaces, and converts pixels to them.

The layout is that of ICC.1:2010 (version 4); primaries are relative to D50, as it requires.
"""

import struct
from typing import Any

import numpy as np

# RGB to XYZ relative to D50 (Bradford), and the gamma, or None for the sRGB curve.
_SPACES: dict[str, tuple[list[list[float]], float | None]] = {
    "sRGB": (
        [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]],
        None,
    ),
    "Display P3": (
        [[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]],
        None,
    ),
    "Adobe RGB": (
        [[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]],
        563 / 256,
    ),
}
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def matrix_profile(name: str, srgb: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], bytes]:
    """Return sRGB pixels (uint8) converted to a colour space, and the profile of that space."""
    matrix, gamma = _SPACES[name]
    linear = _linear(srgb / 255) @ (np.linalg.inv(matrix) @ _SPACES["sRGB"][0]).T
    linear = linear.clip(0, 1)
    samples = linear ** (1 / gamma) if gamma else _gamma_encode(linear)
    return (samples * 255).round().astype(np.uint8), _profile(name, matrix, gamma)


def _linear(value: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _gamma_encode(value: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)


def _profile(name: str, matrix: list[list[float]], gamma: float | None) -> bytes:
    """Return a profile: header, tag table, tags."""
    curve = _parametric(0, (gamma,)) if gamma else _parametric(3, _SRGB_CURVE)
    tags = {b"desc": _text(name), b"cprt": _text("CC0"), b"wtpt": _xyz((0.9642, 1.0, 0.8249))}
    for column, letter in enumerate((b"r", b"g", b"b")):
        tags[letter + b"XYZ"] = _xyz(tuple(row[column] for row in matrix))
        tags[letter + b"TRC"] = curve
    table, body, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for tag, data in tags.items():
        table += tag + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = start + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"\0" * 4, 0x04300000, b"mntr", b"RGB ", b"XYZ ")
    date = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
    middle = header + date + b"acsp" + bytes(28) + _fixed((0.9642, 1.0, 0.8249))
    return middle.ljust(128, b"\0") + table + body


def _fixed(values: tuple[float, ...]) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(values)


def _parametric(kind: int, values: tuple[float, ...]) -> bytes:
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + _fixed(values)


def _text(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    record = b"enUS" + struct.pack(">II", len(encoded), 28)
    return b"mluc\0\0\0\0" + struct.pack(">II", 1, 12) + record + encoded
