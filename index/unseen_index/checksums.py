"""Checksums of a file's blocks, checked when a search first touches a block.

A table of 100 M hashes is 12 GB: reading all of it at start would cost seconds and memory that
the searches may never ask for. So each block of BLOCK bytes has its own 64-bit sum, and `Guard`
keeps which blocks have been seen to be whole. The sum guards against damage, not against
forgery. Each step is a bijection of the state, so a change within one 64-bit word is always
seen.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .jit import compiled
from .layout import ALIGNMENT, Offsets

BLOCK = ALIGNMENT
_WORDS = BLOCK // 8
_LANES = 8


class Guard(NamedTuple):
    """What is needed to trust a buffer."""

    on: bool  # False: it was made in this process, and is trusted
    words: npt.NDArray[np.uint64]  # the buffer
    sums: npt.NDArray[np.uint64]  # of each block
    seen: npt.NDArray[np.uint8]  # 1: the block was checked
    at: Offsets  # where each array starts


@compiled
def block_sum(words: npt.NDArray[np.uint64], block: int) -> np.uint64:
    """Return the sum of one block of a buffer: eight lanes of xor, multiply, rotate, then one."""
    a = np.full(_LANES, 0x9E3779B97F4A7C15, np.uint64)
    prime = np.uint64(0xD6E8FEB86659FD93)
    first = block * _WORDS
    for start in range(first, first + _WORDS, _LANES):
        for lane in range(_LANES):
            mixed = (a[lane] ^ words[start + lane]) * prime
            a[lane] = (mixed << np.uint64(29)) | (mixed >> np.uint64(35))
    total = np.uint64(block)
    for lane in range(_LANES):
        total = (total ^ a[lane]) * prime
        total ^= total >> np.uint64(32)
    return total


@compiled
def block_sums(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return the sum of every block of a buffer, a whole number of blocks long."""
    sums = np.empty(len(words) // _WORDS, np.uint64)
    for block in range(len(sums)):
        sums[block] = block_sum(words, block)
    return sums


@compiled
def damaged_block(guard: Guard, first: int | np.int64, last: int | np.int64) -> int:
    """Check those of the blocks first to last (inclusive) that were not checked yet.

    Returns the number of a damaged block, or -1 when all are whole.
    """
    for block in range(first, last + 1):
        if guard.seen[block] == 0:
            if block_sum(guard.words, block) != guard.sums[block]:
                return block
            guard.seen[block] = 1
    return -1
