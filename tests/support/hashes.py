"""Random hashes, and hashes at a given distance from them."""

from itertools import count

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint8]
"""Hashes as the index takes them: shape (n, 32), dtype uint8."""

_new_seeds = count(1_000_000)


def random_pdq(seed: int) -> str:
    """Return the hash of a seed: random bits, as of a photo, in 64 hex digits."""
    return np.random.default_rng(seed).bytes(32).hex()


def new_pdq() -> str:
    """Return a hash that no call in this process returned before, in 64 hex digits."""
    return random_pdq(next(_new_seeds))


def flipped(pdq: str, bits: int, seed: int = 0) -> str:
    """Return a hash at exactly this distance, in bits."""
    chosen = np.random.default_rng(seed).choice(256, bits, replace=False)
    changed = int(pdq, 16)
    for bit in chosen:
        changed ^= 1 << int(bit)
    return f"{changed:064x}"


def random_hashes(count: int, seed: int = 0) -> Hashes:
    """Return that many random hashes."""
    return np.random.default_rng(seed).integers(0, 256, (count, 32), dtype=np.uint8)


def neighbours(start: Hashes) -> Hashes:
    """Return the 256 hashes at one bit from a hash, which is an array of shape (1, 32)."""
    bits = np.unpackbits(start) ^ np.eye(256, dtype=np.uint8)
    return np.packbits(bits, axis=1)
