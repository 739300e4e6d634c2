"""Hashes that are of no picture, told by their bits alone.

PDQ sets the bits whose frequency lies above the median of all 256, so that the hash of a picture
with any detail has 128 of them set, and 128 at the most. docs/intake.md has what was measured.
"""

from importlib.resources import files

import numpy as np
import numpy.typing as npt

from ..models.hashes import HASH_BYTES, MATCH_RADIUS

Hashes = npt.NDArray[np.uint8]
Reals = npt.NDArray[np.floating]

_BITS = 8 * HASH_BYTES
_SIDE = 16
_UNBALANCED = MATCH_RADIUS + 1
"""Bits more or fewer than 128: a hash this far off is within reach of no picture's."""
_PERIODIC = 0.85
"""Share by which a hash agrees with itself, shifted, more than it disagrees (or less)."""
_STRIPED = 0.75
"""The same between its 16 rows, or its 16 columns, on average of all pairs."""

UNBALANCED = "Too few or too many of its bits are set: no picture has such a hash."
PERIODIC = "Its bits repeat: it is the hash of a pattern, not of a picture."


def faults(hashes: Hashes) -> list[str | None]:
    """Say of each hash (uint8[n, 32]) what is wrong with it; None where nothing is."""
    found = margins(hashes)
    unbalanced = found["balance"] >= _UNBALANCED
    periodic = (found["repetition"] >= _PERIODIC) | (found["sameness"] >= _STRIPED)
    chosen = np.where(unbalanced, UNBALANCED, np.where(periodic, PERIODIC, "")).tolist()
    return [each or None for each in chosen]


def margins(hashes: Hashes) -> dict[str, Reals]:
    """Measure what the rules judge by, of each hash (uint8[n, 32]), by the rule's name.

    Bits away from 128 for the balance; shares from 0 to 1 for repetition and sameness.
    """
    bits = np.unpackbits(hashes, axis=1)
    signs = 1.0 - 2.0 * bits
    return {
        "balance": np.abs(bits.sum(axis=1, dtype=np.float64) - _BITS // 2),
        "repetition": _likeness_shifted(signs),
        "sameness": _likeness_of_lines(signs),
    }


def drawn_hashes() -> Hashes:
    """Give the hashes of plain, shaded, striped and checkered pictures: uint8[n, 32].

    They are what PDQ's reference gives for them; tools/drawn.py draws them.
    """
    text = files(__package__).joinpath("drawn.txt").read_text(encoding="ascii")
    return np.frombuffer(bytes.fromhex(text), np.uint8).reshape(-1, HASH_BYTES)


def _likeness_shifted(signs: Reals) -> Reals:
    """Give the greatest correlation of each row with itself, turned by 1 to 128 places.

    All shifts at once by the Wiener-Khinchin theorem. A turn by 16 is a row of the hash's square.
    """
    spectrum = np.abs(np.fft.rfft(signs, axis=1)) ** 2
    likeness = np.fft.irfft(spectrum, _BITS, axis=1)[:, 1 : _BITS // 2 + 1] / _BITS
    return np.asarray(np.abs(likeness).max(axis=1))


def _likeness_of_lines(signs: Reals) -> Reals:
    """Say how alike the 16 rows of each hash are, or its columns: the mean of |correlation|."""
    square = signs.reshape(-1, _SIDE, _SIDE)
    return np.maximum(_mean_likeness(square), _mean_likeness(square.transpose(0, 2, 1)))


def _mean_likeness(squares: Reals) -> Reals:
    likeness = np.abs(squares @ squares.transpose(0, 2, 1)).sum(axis=(1, 2)) / _SIDE
    return np.asarray((likeness - _SIDE) / (_SIDE * (_SIDE - 1)))
