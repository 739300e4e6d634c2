"""Look-ups that hit nothing, counted in memory: a miss must not cost a transaction.

Every worker counts for itself and writes its own entries, so any number of them add up. What a
worker counted in the last minute is lost when it is killed; a stop writes it first.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from ..errors import StoreUnavailable
from ..models.audit import SERVICE, AuditEvent
from ..store import Store, audit
from .clock import Clock

_PERIOD_S = 60.0

logger = logging.getLogger(__name__)


class MissCounter:
    """Counts of one worker, by minute of Unix time and key, that are not in the audit log yet."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._counts: dict[int, dict[int, tuple[int, int]]] = {}

    def count(self, key_id: int, hashes: int) -> None:
        """Count a call with a key in which `hashes` hashes hit nothing."""
        minute = int(self._clock.now().timestamp()) // 60
        counts = self._counts.setdefault(minute, {})
        calls, before = counts.get(key_id, (0, 0))
        counts[key_id] = calls + 1, before + hashes

    async def write(self) -> None:
        """Write everything that was counted; what cannot be written now is kept.

        Raises StoreUnavailable.
        """
        for minute in sorted(self._counts):
            counts = self._counts.pop(minute)
            try:
                async with self._store.transaction() as tx:
                    await audit.append(tx, _missed(minute, counts))
            except BaseException:
                self._put_back(minute, counts)
                raise

    async def run(self) -> None:
        """Write every minute, until cancelled."""
        while True:
            await asyncio.sleep(_PERIOD_S)
            try:
                await self.write()
            except StoreUnavailable:
                pass  # the follower says so; the counts are kept until it is back
            except Exception:
                logger.exception("writing counts of misses failed; trying again")

    def _put_back(self, minute: int, counts: dict[int, tuple[int, int]]) -> None:
        """Add to what was counted since: the look-ups went on meanwhile."""
        current = self._counts.setdefault(minute, {})
        for key_id, (calls, hashes) in counts.items():
            more_calls, more_hashes = current.get(key_id, (0, 0))
            current[key_id] = calls + more_calls, hashes + more_hashes


def _missed(minute: int, counts: Mapping[int, tuple[int, int]]) -> AuditEvent:
    """Record one worker's look-ups of one minute: by key, (calls, hashes) that hit nothing."""
    keys = [
        {"key": key, "calls": calls, "hashes": hashes}
        for key, (calls, hashes) in sorted(counts.items())
    ]
    at = datetime.fromtimestamp(minute * 60, UTC)
    details = {"minute": f"{at:%Y-%m-%dT%H:%MZ}", "keys": keys}
    return AuditEvent("match.missed", SERVICE, None, details)
