"""Detects hashes that do not come from an image with detail, from their bits alone.

PDQ sets the bits whose frequency component exceeds the median of all 256 components, so the hash
of any image with detail has 128 bits set, or slightly fewer. docs/intake.md has measurements.
"""

from importlib.resources import files

import numpy as np
import numpy.typing as npt

from ..models.hashes import HASH_BYTES, MATCH_RADIUS

Hashes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.floating]

_BITS = 8 * HASH_BYTES
_SIDE = 16
_IMBALANCE_LIMIT = MATCH_RADIUS + 1
"""Bits more or fewer than 128: from here on, no image's hash is within the match radius."""
_REPETITION_LIMIT = 0.85
"""Correlation, or anticorrelation, of a hash with itself, shifted."""
_SAMENESS_LIMIT = 0.75
"""Mean correlation, or anticorrelation, of its 16 rows, or of its 16 columns, over all pairs."""

UNBALANCED = "Too few or too many of its bits are set: no photo has such a hash."
PERIODIC = "Its bits repeat: it is the hash of a pattern, not of a photo."


def rejection_reasons(hashes: Hashes) -> list[str | None]:
    """Return why each hash (uint8[n, 32]) is degenerate, or None if it is not."""
    found = measure(hashes)
    unbalanced = found["balance"] >= _IMBALANCE_LIMIT
    periodic = (found["repetition"] >= _REPETITION_LIMIT) | (found["sameness"] >= _SAMENESS_LIMIT)
    reasons = np.where(unbalanced, UNBALANCED, np.where(periodic, PERIODIC, "")).tolist()
    return [each or None for each in reasons]


def measure(hashes: Hashes) -> dict[str, Floats]:
    """Return what the rules compare with their limits, by rule: float64[n] for uint8[n, 32].

    Balance is in bits away from 128; repetition and sameness are from 0 to 1.
    """
    bits = np.unpackbits(hashes, axis=1)
    signs = 1.0 - 2.0 * bits
    return {
        "balance": np.abs(bits.sum(axis=1, dtype=np.float64) - _BITS // 2),
        "repetition": _max_autocorrelation(signs),
        "sameness": _line_correlation(signs),
    }


def load_drawn_hashes() -> Hashes:
    """Return the hashes of plain, shaded, striped and checkered images: uint8[n, 32].

    tools/drawn.py draws the images and hashes them with PDQ's reference implementation.
    """
    text = files(__package__).joinpath("drawn.txt").read_text(encoding="ascii")
    return np.frombuffer(bytes.fromhex(text), np.uint8).reshape(-1, HASH_BYTES)


def _max_autocorrelation(signs: Floats) -> Floats:
    """Return each hash's largest |correlation| with itself, rotated by 1 to 128 bits.

    All rotations at once, by the Wiener-Khinchin theorem. A rotation by 16 bits moves each row of
    the 16 x 16 hash to the next.
    """
    spectrum = np.abs(np.fft.rfft(signs, axis=1)) ** 2
    correlation = np.fft.irfft(spectrum, _BITS, axis=1)[:, 1 : _BITS // 2 + 1] / _BITS
    return np.asarray(np.abs(correlation).max(axis=1))


def _line_correlation(signs: Floats) -> Floats:
    """Return the mean |correlation| of each hash's 16 rows, or of its columns if larger."""
    squares = signs.reshape(-1, _SIDE, _SIDE)
    return np.maximum(_row_correlation(squares), _row_correlation(squares.transpose(0, 2, 1)))


def _row_correlation(squares: Floats) -> Floats:
    total = np.abs(squares @ squares.transpose(0, 2, 1)).sum(axis=(1, 2)) / _SIDE
    return np.asarray((total - _SIDE) / (_SIDE * (_SIDE - 1)))
