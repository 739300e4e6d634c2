"""Probing, noticed: many different hashes in one neighbourhood; hits far above what is usual.

A walk from a hash, bit by bit, leaves most of its eight 32-bit words as they are at every step.
So the words of each different hash are counted; a hash of which at least `_SHARED` words were
seen in many others has that many near neighbours. Repeats of one hash count once: an image that
goes round is asked about again and again, and that is what a platform is for.

Both count in a block of memory (`..shared`), which all workers of a host may have in common.
"""

import math
import secrets
from operator import mul
from struct import Struct

import numpy as np
import numpy.typing as npt

from ..runtime.shared_memory import SECRET_BYTES, private_block

_WORDS = 8
_UNPACK = Struct(f"={_WORDS}I").unpack
_MASK = 0xFFFFFFFF
_MOST = 0xFFFF
_SHARED = 5
_CELLS = 1 << 16
_SEEN = 1 << 18
_FADE_S = 60.0

_ODD = np.array(
    [
        0x9E3779B1,
        0x85EBCA77,
        0xC2B2AE3D,
        0x27D4EB2F,
        0x165667B1,
        0xD3A2646D,
        0xFD7046C5,
        0xB55A4F09,
    ],
    np.uint32,
)
"""Odd multipliers, for multiply-shift hashing (Dietzfelbinger et al., 1997)."""
_ODD_WORDS = tuple(_ODD.tolist())
_NAME_MASK = 0xFFFFFFFFFFFFFFFF
_SLOT_SHIFT = 64 - 18
_ROWS = np.arange(_WORDS, dtype=np.uint32) * np.uint32(_CELLS)

# Where things are in a block, in bytes: what is few, then names, then counts.
_STATE, _RATE, _TOLD = slice(0, 16), slice(16, 56), slice(56, 72)
_NAMES = slice(4_096, 4_096 + 8 * _SEEN)
_COUNTS = slice(_NAMES.stop, _NAMES.stop + 2 * _WORDS * _CELLS)


class Neighbourhoods:
    """The different hashes of the last minute or two, as counts of their words: 3 MiB.

    `secret` are 64 bytes that nobody can foresee: who could, would pass for what was seen already.
    """

    def __init__(
        self, now: float, block: memoryview | None = None, secret: bytes | None = None
    ) -> None:
        block = private_block() if block is None else block
        secret = secrets.token_bytes(SECRET_BYTES) if secret is None else secret
        self._naming = np.frombuffer(secret, np.uint64) | np.uint64(1)
        self._naming_words = tuple(self._naming.tolist())
        # Twice: one number is read faster from a view, and many from an array.
        self._names, self._counts = block[_NAMES].cast("Q"), block[_COUNTS].cast("H")
        self._all_names, self._all_counts = np.asarray(self._names), np.asarray(self._counts)
        # When it faded last, and how many different hashes there were.
        self._state = block[_STATE].cast("d")
        self._state[0] = self._state[0] or now

    def clear(self, now: float) -> None:
        """Begin anew, for all who count here."""
        self._all_counts[:] = 0
        self._all_names[:] = 0
        self._state[0], self._state[1] = now, 0

    def add(self, hashes: npt.NDArray[np.uint8], now: float) -> int:
        """Add hashes (uint8[q, 32]); answer how many different ones are around one of them."""
        self._fade(now)
        if len(hashes) == 1:
            return self._add_one(hashes.tobytes())
        words = self._new(hashes.view(np.uint32))
        if not len(words):
            return 0
        cells = (words * _ODD >> np.uint32(16)) + _ROWS
        np.add.at(self._all_counts, cells, np.uint16(1))
        self._state[1] += len(words)
        shared = np.sort(self._all_counts[cells], axis=1)[:, _WORDS - _SHARED]
        return max(0, int(shared.max()) - 1 - self._by_chance())

    def _add_one(self, pdq: bytes) -> int:
        """Do as `add` does, for one hash: on numbers, a fifth of what arrays cost."""
        words = _UNPACK(pdq)
        name = sum(map(mul, words, self._naming_words)) & _NAME_MASK
        slot = name >> _SLOT_SHIFT
        if self._names[slot] == name:
            return 0
        self._names[slot] = name
        self._state[1] += 1
        counts: list[int] = []
        for row, (word, odd) in enumerate(zip(words, _ODD_WORDS, strict=True)):
            cell = row * _CELLS + ((word * odd & _MASK) >> 16)
            count = min(self._counts[cell] + 1, _MOST)
            self._counts[cell] = count
            counts.append(count)
        return max(0, sorted(counts)[_WORDS - _SHARED] - 1 - self._by_chance())

    def _new(self, words: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
        """Keep the hashes (as words, uint32[q, 8]) that were not seen of late, each once."""
        names = words.astype(np.uint64) @ self._naming
        slots = names >> np.uint64(_SLOT_SHIFT)
        fresh = self._all_names[slots] != names
        if not fresh.any():
            return words[:0]
        self._all_names[slots] = names
        first = np.unique(names[fresh], return_index=True)[1]
        return np.asarray(words[fresh][first], np.uint32)

    def _by_chance(self) -> int:
        """Say how often words that have nothing to do with each other share a cell, and some."""
        mean = self._state[1] / _CELLS
        return math.ceil(mean + 4 * math.sqrt(mean))

    def _fade(self, now: float) -> None:
        if now - self._state[0] < _FADE_S:
            return
        self._state[0] = now
        self._all_counts >>= np.uint16(1)
        self._all_names[:] = 0
        self._state[1] //= 2


class HitRate:
    """The share of hits of the last minute or so, against that of the last day."""

    _FEWEST = 100
    _TIMES = 20.0

    def __init__(self, now: float, block: memoryview | None = None) -> None:
        block = private_block() if block is None else block
        # When it was added to last; hashes and hits, of a minute and of a day.
        self._kept = block[_RATE].cast("d")
        if not any(self._kept):
            # As if 1 of 1,000 were usual.
            self._kept[0], self._kept[3], self._kept[4] = now, 1_000.0, 1.0

    def add(self, hashes: int, hits: int, now: float) -> bool:
        """Count a look-up; say whether hits have become far more than they used to be."""
        at, *counts = self._kept
        # Another worker's clock is this one's, but it may have looked at it later.
        passed = max(0.0, now - at)
        minute, day = math.exp(-passed / 60.0), math.exp(-passed / 86_400.0)
        asked, hit = counts[0] * minute + hashes, counts[1] * minute + hits
        all_asked, all_hit = counts[2] * day + hashes, counts[3] * day + hits
        for place, value in enumerate((now, asked, hit, all_asked, all_hit)):
            self._kept[place] = value
        usual = (all_hit - hit + 1) / max(all_asked - asked, 1_000.0)
        return hit >= self._FEWEST and hit > self._TIMES * usual * asked


class AlertThrottle:
    """When staff were told last of a kind of notice, so that they are not told again and again."""

    KINDS = ("key.probing", "key.hit-rate")
    EVERY_S = 600.0

    def __init__(self, block: memoryview | None = None) -> None:
        block = private_block() if block is None else block
        self._at = block[_TOLD].cast("d")

    def is_due(self, kind: str, now: float) -> bool:
        """Say whether they should be told now; then the next time is a while from now."""
        place = self.KINDS.index(kind)
        due = not self._at[place] or now - self._at[place] >= self.EVERY_S
        if due:
            self._at[place] = now
        return due
