"""A fixed random order of the bits, so that no part of a hash is special.

The bits of real hashes hang together (neighbouring DCT coefficients of one picture), and so
would the parts if they were contiguous: some buckets would be far too full. Shuffling all
hashes alike leaves every distance as it was. Each table draws its own order, so that nobody
outside can tell which hashes would share its buckets.
"""

import numpy as np
import numpy.typing as npt

from .jit import compiled

HASH_BYTES = 32
HASH_BITS = 8 * HASH_BYTES


class Shuffle:
    """An order of the 256 bits: bit j of a shuffled hash is bit order[j] of the hash."""

    def __init__(self, order: npt.NDArray[np.uint8]) -> None:
        self.order = order
        self._lookup = _lookup(order)

    @classmethod
    def random(cls) -> "Shuffle":
        """Draw an order from the operating system's randomness."""
        return cls(np.random.default_rng().permutation(HASH_BITS).astype(np.uint8))

    def __call__(self, hashes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
        """Shuffle hashes (uint8[n, 32]) into codes (uint64[n, 4])."""
        codes = np.empty((len(hashes), 4), np.uint64)
        shuffle_into(codes, hashes, self._lookup)
        return codes


def _lookup(order: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """For byte b of a hash holding v, the code bits that it sets: uint64[32, 256, 4]."""
    bits = np.unpackbits(
        np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little"
    )  # of each value
    spread = np.zeros((HASH_BYTES, 256, HASH_BITS), np.uint8)
    for place, source in enumerate(order.astype(int)):
        spread[source // 8, :, place] = bits[:, source % 8]
    return np.packbits(spread, axis=2, bitorder="little").view("<u8")


@compiled
def shuffle_into(
    codes: npt.NDArray[np.uint64],
    hashes: npt.NDArray[np.uint8],
    lookup: npt.NDArray[np.uint64],
) -> None:
    """Write the shuffled hashes to codes, a table look-up a byte."""
    for row in range(len(hashes)):
        a = b = c = d = np.uint64(0)
        for place in range(HASH_BYTES):
            bits = lookup[place, hashes[row, place]]
            a |= bits[0]
            b |= bits[1]
            c |= bits[2]
            d |= bits[3]
        codes[row, 0], codes[row, 1], codes[row, 2], codes[row, 3] = a, b, c, d
