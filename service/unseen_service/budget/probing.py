"""Probing, noticed: many different hashes in one neighbourhood; hits far above what is usual.

A walk from a hash, bit by bit, leaves most of its eight 32-bit words as they are at every step.
So the words of each different hash are counted; a hash of which at least `_SHARED` words were
seen in many others has that many near neighbours. Repeats of one hash count once: an image that
goes round is asked about again and again, and that is what a platform is for.
"""

import math
from operator import mul
from struct import Struct

import numpy as np
import numpy.typing as npt

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
_NAMING = np.random.default_rng().integers(1 << 64, size=_WORDS, dtype=np.uint64) | np.uint64(1)
"""Odd multipliers that nobody can foresee: who could, would pass for what was seen already."""
_NAMING_WORDS = tuple(_NAMING.tolist())
_NAME_MASK = 0xFFFFFFFFFFFFFFFF
_SLOT_SHIFT = 64 - 18
_ROWS = np.arange(_WORDS, dtype=np.uint32) * np.uint32(_CELLS)


class Neighbourhoods:
    """The different hashes of the last minute or two, as counts of their words: 3 MiB."""

    def __init__(self, now: float) -> None:
        self._names = np.zeros(_SEEN, np.uint64)
        self._counts = np.zeros(_WORDS * _CELLS, np.uint16)
        self._different = 0
        self._faded_at = now

    def add(self, hashes: npt.NDArray[np.uint8], now: float) -> int:
        """Add hashes (uint8[q, 32]); answer how many different ones are around one of them."""
        self._fade(now)
        if len(hashes) == 1:
            return self._add_one(hashes.tobytes())
        words = self._new(hashes.view(np.uint32))
        if not len(words):
            return 0
        cells = (words * _ODD >> np.uint32(16)) + _ROWS
        np.add.at(self._counts, cells, np.uint16(1))
        self._different += len(words)
        shared = np.sort(self._counts[cells], axis=1)[:, _WORDS - _SHARED]
        return max(0, int(shared.max()) - 1 - self._by_chance())

    def _add_one(self, pdq: bytes) -> int:
        """Do as `add` does, for one hash: on numbers, a fifth of what arrays cost."""
        words = _UNPACK(pdq)
        name = sum(map(mul, words, _NAMING_WORDS)) & _NAME_MASK
        slot = name >> _SLOT_SHIFT
        if self._names[slot] == name:
            return 0
        self._names[slot] = name
        self._different += 1
        counts = []
        for row, (word, odd) in enumerate(zip(words, _ODD_WORDS, strict=True)):
            cell = row * _CELLS + ((word * odd & _MASK) >> 16)
            count = min(int(self._counts[cell]) + 1, _MOST)
            self._counts[cell] = count
            counts.append(count)
        return max(0, sorted(counts)[_WORDS - _SHARED] - 1 - self._by_chance())

    def _new(self, words: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
        """Keep the hashes (as words, uint32[q, 8]) that were not seen of late, each once."""
        names = words.astype(np.uint64) @ _NAMING
        slots = names >> np.uint64(_SLOT_SHIFT)
        fresh = self._names[slots] != names
        if not fresh.any():
            return words[:0]
        self._names[slots] = names
        first = np.unique(names[fresh], return_index=True)[1]
        return np.asarray(words[fresh][first], np.uint32)

    def _by_chance(self) -> int:
        """Say how often words that have nothing to do with each other share a cell, and some."""
        mean = self._different / _CELLS
        return math.ceil(mean + 4 * math.sqrt(mean))

    def _fade(self, now: float) -> None:
        if now - self._faded_at < _FADE_S:
            return
        self._faded_at = now
        self._counts >>= np.uint16(1)
        self._names[:] = 0
        self._different //= 2


class HitRate:
    """The share of hits of the last minute or so, against that of the last day."""

    _FEWEST = 100
    _TIMES = 20.0

    def __init__(self, now: float) -> None:
        self._at = now
        # Hashes and hits, of a minute and of a day; at first as if 1 of 1,000 were usual.
        self._minute, self._day = [0.0, 0.0], [1_000.0, 1.0]

    def add(self, hashes: int, hits: int, now: float) -> bool:
        """Count a look-up; say whether hits have become far more than they used to be."""
        passed, self._at = now - self._at, now
        for counts, seconds in ((self._minute, 60.0), (self._day, 86_400.0)):
            kept = math.exp(-passed / seconds)
            counts[0], counts[1] = counts[0] * kept + hashes, counts[1] * kept + hits
        asked, hit = self._minute
        usual = (self._day[1] - hit + 1) / max(self._day[0] - asked, 1_000.0)
        return hit >= self._FEWEST and hit > self._TIMES * usual * asked
