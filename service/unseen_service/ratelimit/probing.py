"""Detects probing: many different queries near one stored hash, or unusually many hits.

Anyone who wants to find out a stored hash queries its neighbourhood, and has to come near it again
and again. So we count how many different queries of a platform came near each stored hash, however
many others they are hidden among. Repeats of one query count once: platforms query popular images
again and again, which is normal. Queries that come near nothing are not counted at all.

The counts are kept like a count-min sketch's (Cormode and Muthukrishnan, 2005): they may be too
high by chance, never too low. They are in a block of memory (`runtime/shared_memory`) that the
workers of a host may share. All times are seconds of one monotonic clock.
"""

import math
import secrets

import numpy as np
import numpy.typing as npt

from ..runtime.shared_memory import SECRET_BYTES, private_block

_ROWS = 2
_CELL_BITS, _SLOT_BITS = 14, 15
_HALVING_INTERVAL_S = 6 * 3_600.0
_MULTIPLIERS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93))
"""Odd, one per row, for multiply-shift hashing (Dietzfelbinger et al., 1997)."""
_PLATFORMS = np.uint64(0xC2B2AE3D27D4EB4F)

# The layout of a block, in bytes: a few numbers of each class, then fingerprints, then counts.
_STATE_AT, _HIT_RATE_AT, _ALERTS_AT = slice(0, 8), slice(16, 56), slice(56, 72)
_FINGERPRINTS_AT = slice(4_096, 4_096 + (8 << _SLOT_BITS))
_COUNTS_AT = slice(_FINGERPRINTS_AT.stop, _FINGERPRINTS_AT.stop + (4 * _ROWS << _CELL_BITS))


class NearQueries:
    """How many different queries of a platform came near each stored hash in the last hours.

    `secret` is 64 random bytes. Anyone who knew them could construct queries that pass for ones
    already seen.
    """

    def __init__(
        self, now: float, block: memoryview | None = None, secret: bytes | None = None
    ) -> None:
        block = private_block() if block is None else block
        secret = secrets.token_bytes(SECRET_BYTES) if secret is None else secret
        self._factors = np.frombuffer(secret, np.uint64) | np.uint64(1)
        self._fingerprints = np.asarray(block[_FINGERPRINTS_AT].cast("Q"))
        self._counts = np.asarray(block[_COUNTS_AT].cast("I"))
        # When the counts were last halved.
        self._state = block[_STATE_AT].cast("d")
        self._state[0] = self._state[0] or now

    def add(
        self,
        platform_id: int,
        queries: npt.NDArray[np.uint8],
        hash_ids: npt.NDArray[np.int64],
        now: float,
    ) -> npt.NDArray[np.int64]:
        """Add queries (uint8[n, 32]), each near a stored hash (int64[n]).

        Return how many different queries came near each of these hashes, int64[n].
        """
        self._halve_if_due(now)
        platforms = np.full(len(hash_ids), platform_id, np.uint64)
        subjects = hash_ids.astype(np.uint64) + platforms * _PLATFORMS
        cells = self._cells(subjects)
        new = self._find_new(queries, subjects)
        for row in range(_ROWS):
            np.add.at(self._counts, cells[row][new], np.uint32(1))
        return np.asarray(self._counts[cells].min(axis=0), np.int64)

    def _cells(self, subjects: npt.NDArray[np.uint64]) -> npt.NDArray[np.intp]:
        """Return the cell of each subject in each row, intp[rows, n]."""
        mixed = subjects ^ (subjects * self._factors[0] >> np.uint64(32))
        shift = np.uint64(64 - _CELL_BITS)
        return np.stack(
            [
                (mixed * multiplier >> shift).astype(np.intp) + (row << _CELL_BITS)
                for row, multiplier in enumerate(_MULTIPLIERS)
            ]
        )

    def _find_new(
        self, queries: npt.NDArray[np.uint8], subjects: npt.NDArray[np.uint64]
    ) -> npt.NDArray[np.intp]:
        """Return where the pairs are that were not seen recently; of equal ones the first."""
        words = np.ascontiguousarray(queries).view(np.uint32).astype(np.uint64)
        fingerprints = words @ self._factors + subjects * self._factors[1]
        fingerprints ^= fingerprints >> np.uint64(29)
        slots = fingerprints * self._factors[2] >> np.uint64(64 - _SLOT_BITS)
        is_new = self._fingerprints[slots] != fingerprints
        self._fingerprints[slots] = fingerprints
        first = np.unique(fingerprints, return_index=True)[1]
        return np.asarray(first[is_new[first]], np.intp)

    def _halve_if_due(self, now: float) -> None:
        if now - self._state[0] < _HALVING_INTERVAL_S:
            return
        self._state[0] = now
        self._counts >>= np.uint32(1)
        self._fingerprints[:] = 0


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
