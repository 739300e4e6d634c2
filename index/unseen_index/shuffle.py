"""A random permutation of the bits, so that no part of a hash is special.

The bits of real hashes are correlated (they are neighbouring DCT coefficients of one image), and
so would contiguous parts be: some buckets would be far too full. Applying one permutation to all
hashes keeps every distance. Each table draws its own, so that outsiders cannot tell which hashes
would share a bucket.
"""

import numpy as np
import numpy.typing as npt

from .jit import jit

HASH_BYTES = 32
HASH_BITS = 8 * HASH_BYTES


class Shuffle:
    """A permutation of the 256 bits: bit j of a code is bit order[j] of the hash."""

    def __init__(self, order: npt.NDArray[np.uint8]) -> None:
        self.order = order
        self._lookup = _lookup_table(order)

    @classmethod
    def random(cls) -> "Shuffle":
        """Draw a permutation, seeded by the operating system."""
        return cls(np.random.default_rng().permutation(HASH_BITS).astype(np.uint8))

    def __call__(self, hashes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
        """Shuffle hashes (uint8[n, 32]) into codes (uint64[n, 4])."""
        codes = np.empty((len(hashes), 4), np.uint64)
        shuffle_into(codes, hashes, self._lookup)
        return codes


def _lookup_table(order: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """Return, for value v of byte b of a hash, the code bits that it sets: uint64[32, 256, 4]."""
    bits_of_value = np.unpackbits(
        np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little"
    )
    code_bits = np.zeros((HASH_BYTES, 256, HASH_BITS), np.uint8)
    for place, source in enumerate(order.astype(int)):
        code_bits[source // 8, :, place] = bits_of_value[:, source % 8]
    return np.packbits(code_bits, axis=2, bitorder="little").view("<u8")


@jit
def shuffle_into(
    codes: npt.NDArray[np.uint64],
    hashes: npt.NDArray[np.uint8],
    lookup: npt.NDArray[np.uint64],
) -> None:
    """Write the shuffled hashes to codes, with one table lookup per byte."""
    for row in range(len(hashes)):
        a = b = c = d = np.uint64(0)
        for place in range(HASH_BYTES):
            bits = lookup[place, hashes[row, place]]
            a |= bits[0]
            b |= bits[1]
            c |= bits[2]
            d |= bits[3]
        codes[row, 0], codes[row, 1], codes[row, 2], codes[row, 3] = a, b, c, d
