"""Detects probing: many different hashes in one neighbourhood, or unusually many hits.

Whoever probes changes a hash bit by bit, and each step leaves most of its eight 32-bit words as
they were. So we count the words of all different hashes. If at least `_MIN_SHARED_WORDS` words of
a hash occur in many others, the hash has that many near neighbours. Repeats of one hash count
once: platforms query popular images again and again, which is normal.

The counts are kept like a count-min sketch's (Cormode and Muthukrishnan, 2005): one row of cells
per word, indexed by a hash of the word. They are in a block of memory (`runtime/shared_memory`)
that the workers of a host may share. All times are seconds of one monotonic clock.
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
_WORD_MASK = 0xFFFFFFFF
_MAX_COUNT = 0xFFFF
_MIN_SHARED_WORDS = 5
_CELLS = 1 << 16
"""Per row."""
_SLOTS = 1 << 18
"""For fingerprints of recent hashes."""
_HALVING_INTERVAL_S = 60.0

_MULTIPLIERS = np.array(
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
"""Odd, one per row, for multiply-shift hashing (Dietzfelbinger et al., 1997)."""
_MULTIPLIER_INTS = tuple(_MULTIPLIERS.tolist())
_FINGERPRINT_MASK = 0xFFFFFFFFFFFFFFFF
_SLOT_SHIFT = 64 - 18
_ROW_OFFSETS = np.arange(_WORDS, dtype=np.uint32) * np.uint32(_CELLS)

# The layout of a block, in bytes: a few numbers of each class, then fingerprints, then counts.
_STATE_AT, _HIT_RATE_AT, _ALERTS_AT = slice(0, 16), slice(16, 56), slice(56, 72)
_FINGERPRINTS_AT = slice(4_096, 4_096 + 8 * _SLOTS)
_COUNTS_AT = slice(_FINGERPRINTS_AT.stop, _FINGERPRINTS_AT.stop + 2 * _WORDS * _CELLS)


class Neighbourhoods:
    """Word counts of the different hashes of the last minute or two; 3 MiB.

    `secret` is 64 random bytes. Anyone who knew them could construct hashes that pass for ones
    already seen.
    """

    def __init__(
        self, now: float, block: memoryview | None = None, secret: bytes | None = None
    ) -> None:
        block = private_block() if block is None else block
        secret = secrets.token_bytes(SECRET_BYTES) if secret is None else secret
        self._factors = np.frombuffer(secret, np.uint64) | np.uint64(1)
        self._factor_ints = tuple(self._factors.tolist())
        # Two views of the same memory: a memoryview reads one number faster, an array many.
        self._fingerprints = block[_FINGERPRINTS_AT].cast("Q")
        self._counts = block[_COUNTS_AT].cast("H")
        self._fingerprint_array = np.asarray(self._fingerprints)
        self._count_array = np.asarray(self._counts)
        # When the counts were last halved, and how many different hashes they hold.
        self._state = block[_STATE_AT].cast("d")
        self._state[0] = self._state[0] or now

    def clear(self, now: float) -> None:
        """Delete all counts, for every worker that shares them."""
        self._count_array[:] = 0
        self._fingerprint_array[:] = 0
        self._state[0], self._state[1] = now, 0

    def add(self, hashes: npt.NDArray[np.uint8], now: float) -> int:
        """Add hashes (uint8[q, 32]). Return the most neighbours that one of the new ones has."""
        self._halve_if_due(now)
        if len(hashes) == 1:
            return self._add_one(hashes.tobytes())
        words = self._filter_new(hashes.view(np.uint32))
        if not len(words):
            return 0
        cells = (words * _MULTIPLIERS >> np.uint32(16)) + _ROW_OFFSETS
        np.add.at(self._count_array, cells, np.uint16(1))
        self._state[1] += len(words)
        shared = np.sort(self._count_array[cells], axis=1)[:, _WORDS - _MIN_SHARED_WORDS]
        return max(0, int(shared.max()) - 1 - self._chance_collisions())

    def _add_one(self, pdq: bytes) -> int:
        """Do what `add` does, for one hash: plain integers take a fifth of the time of arrays."""
        words = _UNPACK(pdq)
        fingerprint = sum(map(mul, words, self._factor_ints)) & _FINGERPRINT_MASK
        slot = fingerprint >> _SLOT_SHIFT
        if self._fingerprints[slot] == fingerprint:
            return 0
        self._fingerprints[slot] = fingerprint
        self._state[1] += 1
        counts: list[int] = []
        for row, (word, multiplier) in enumerate(zip(words, _MULTIPLIER_INTS, strict=True)):
            cell = row * _CELLS + ((word * multiplier & _WORD_MASK) >> 16)
            count = min(self._counts[cell] + 1, _MAX_COUNT)
            self._counts[cell] = count
            counts.append(count)
        return max(0, sorted(counts)[_WORDS - _MIN_SHARED_WORDS] - 1 - self._chance_collisions())

    def _filter_new(self, words: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
        """Return the hashes (as words, uint32[q, 8]) that were not seen recently, each once."""
        fingerprints = words.astype(np.uint64) @ self._factors
        slots = fingerprints >> np.uint64(_SLOT_SHIFT)
        is_new = self._fingerprint_array[slots] != fingerprints
        if not is_new.any():
            return words[:0]
        self._fingerprint_array[slots] = fingerprints
        first = np.unique(fingerprints[is_new], return_index=True)[1]
        return np.asarray(words[is_new][first], np.uint32)

    def _chance_collisions(self) -> int:
        """Return how many unrelated words share a cell by chance: mean + 4 standard deviations."""
        mean = self._state[1] / _CELLS
        return math.ceil(mean + 4 * math.sqrt(mean))

    def _halve_if_due(self, now: float) -> None:
        if now - self._state[0] < _HALVING_INTERVAL_S:
            return
        self._state[0] = now
        self._count_array >>= np.uint16(1)
        self._fingerprint_array[:] = 0
        self._state[1] //= 2


class HitRate:
    """The share of queries that hit in the last minute or so, compared with the last day."""

    _MIN_HITS = 100
    _MAX_RATIO = 20.0

    def __init__(self, now: float, block: memoryview | None = None) -> None:
        block = private_block() if block is None else block
        # When it was last added to; then queries and hits of a minute, and of a day.
        self._state = block[_HIT_RATE_AT].cast("d")
        if not any(self._state):
            # Start as if 1 hit in 1,000 queries were usual.
            self._state[0], self._state[3], self._state[4] = now, 1_000.0, 1.0

    def add(self, hashes: int, hits: int, now: float) -> bool:
        """Count a lookup. Return whether far more queries hit than usual."""
        at, *counts = self._state
        # Workers share the clock, but another one may have read it later than this one.
        elapsed = max(0.0, now - at)
        minute, day = math.exp(-elapsed / 60.0), math.exp(-elapsed / 86_400.0)
        recent, recent_hits = counts[0] * minute + hashes, counts[1] * minute + hits
        daily, daily_hits = counts[2] * day + hashes, counts[3] * day + hits
        for place, value in enumerate((now, recent, recent_hits, daily, daily_hits)):
            self._state[place] = value
        usual = (daily_hits - recent_hits + 1) / max(daily - recent, 1_000.0)
        return recent_hits >= self._MIN_HITS and recent_hits > self._MAX_RATIO * usual * recent


class AlertThrottle:
    """When staff were last alerted, per kind of alert, so that they are not alerted repeatedly."""

    KINDS = ("key.probing", "key.hit-rate")
    INTERVAL_S = 600.0

    def __init__(self, block: memoryview | None = None) -> None:
        block = private_block() if block is None else block
        self._alerted_at = block[_ALERTS_AT].cast("d")

    def is_due(self, kind: str, now: float) -> bool:
        """Return whether to alert now; if so, the interval until the next alert begins."""
        place = self.KINDS.index(kind)
        last = self._alerted_at[place]
        due = not last or now - last >= self.INTERVAL_S
        if due:
            self._alerted_at[place] = now
        return due
