"""Checksums of a file's blocks, checked when a search first reads a block.

A table of 100 M hashes is 12 GB: reading all of it at startup would cost seconds, and memory that
searches may never need. So each block of BLOCK bytes has its own 64-bit checksum, and
`BlockChecks` records which blocks have been checked. The checksums protect against corruption, not
against tampering. Each step is a bijection of the state, so any change within one 64-bit word is
detected.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .jit import jit
from .layout import ALIGNMENT, Offsets

BLOCK = ALIGNMENT
_WORDS = BLOCK // 8
_LANES = 8


class BlockChecks(NamedTuple):
    """The checksums of a buffer, and which of its blocks have been checked against them."""

    enabled: bool  # False: this process built the buffer, so it needs no checks
    words: npt.NDArray[np.uint64]  # the buffer
    checksums: npt.NDArray[np.uint64]  # one per block
    checked: npt.NDArray[np.uint8]  # one per block; 1: it matched its checksum
    offsets: Offsets  # where each array starts, in bytes


@jit
def block_checksum(words: npt.NDArray[np.uint64], block: int) -> np.uint64:
    """Return a block's checksum: xor, multiply, rotate in eight lanes, then combine the lanes."""
    state = np.full(_LANES, 0x9E3779B97F4A7C15, np.uint64)
    prime = np.uint64(0xD6E8FEB86659FD93)
    first = block * _WORDS
    for start in range(first, first + _WORDS, _LANES):
        for lane in range(_LANES):
            mixed = (state[lane] ^ words[start + lane]) * prime
            state[lane] = (mixed << np.uint64(29)) | (mixed >> np.uint64(35))
    total = np.uint64(block)
    for lane in range(_LANES):
        total = (total ^ state[lane]) * prime
        total ^= total >> np.uint64(32)
    return total


@jit
def block_checksums(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return the checksum of each block of a buffer that is a whole number of blocks long."""
    checksums = np.empty(len(words) // _WORDS, np.uint64)
    for block in range(len(checksums)):
        checksums[block] = block_checksum(words, block)
    return checksums


@jit
def find_damaged_block(checks: BlockChecks, first: int | np.int64, last: int | np.int64) -> int:
    """Check the blocks first to last (inclusive), skipping those that were checked before.

    Returns the number of the first damaged block, or -1 if there is none.
    """
    for block in range(first, last + 1):
        if checks.checked[block] == 0:
            if block_checksum(checks.words, block) != checks.checksums[block]:
                return block
            checks.checked[block] = 1
    return -1
