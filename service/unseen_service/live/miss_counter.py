"""Lookups without a hit, counted in memory: a miss must not cost a transaction.

Every worker counts for itself and writes entries of its own. A worker that is killed loses what
it counted in the last minute; one that is stopped writes it first.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from ..models.audit import SERVICE, AuditEvent, AuditKind
from ..store import Store, audit
from .clock import Clock


class MissCounter:
    """Counts of one worker that are not in the audit log yet, by minute of Unix time and key."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._counts: dict[int, dict[int, tuple[int, int]]] = {}

    def count(self, key_id: int, hashes: int) -> None:
        """Count a lookup with a key in which `hashes` hashes hit nothing."""
        minute = int(self._clock.now().timestamp()) // 60
        counts = self._counts.setdefault(minute, {})
        calls, before = counts.get(key_id, (0, 0))
        counts[key_id] = calls + 1, before + hashes

    async def write(self) -> None:
        """Write everything that was counted. Raises StoreUnavailable; then the counts are kept."""
        for minute in sorted(self._counts):
            counts = self._counts.pop(minute)
            try:
                async with self._store.transaction() as tx:
                    await audit.append(tx, _event(minute, counts))
            except BaseException:
                self._put_back(minute, counts)
                raise

    def _put_back(self, minute: int, counts: dict[int, tuple[int, int]]) -> None:
        """Add to what was counted since: lookups continued in the meantime."""
        current = self._counts.setdefault(minute, {})
        for key_id, (calls, hashes) in counts.items():
            more_calls, more_hashes = current.get(key_id, (0, 0))
            current[key_id] = calls + more_calls, hashes + more_hashes


def _event(minute: int, counts: Mapping[int, tuple[int, int]]) -> AuditEvent:
    """Return the event for a minute of one worker; `counts` are (calls, hashes) per key."""
    keys = [
        {"key": key, "calls": calls, "hashes": hashes}
        for key, (calls, hashes) in sorted(counts.items())
    ]
    at = datetime.fromtimestamp(minute * 60, UTC)
    details = {"minute": f"{at:%Y-%m-%dT%H:%MZ}", "keys": keys}
    return AuditEvent(AuditKind.MATCH_MISSED, SERVICE, None, details)
