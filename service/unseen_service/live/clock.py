"""The time by PostgreSQL's clock, also while PostgreSQL is unavailable.

A host's own clock may be wrong by an hour or a year. When a key expires, and what time others are
told, must not depend on which host was asked. So the one clock that all hosts share is read once
a second; in between, the monotonic clock, which nobody sets, carries it on.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from .. import metrics
from ..store import Store, clock

_MAX_SKEW = timedelta(seconds=10)
"""How far a host's clock may be off before the operator should know."""

logger = logging.getLogger(__name__)


def _host_now() -> datetime:
    return datetime.now(UTC)


class Clock:
    """PostgreSQL's clock as this worker knows it; before the first reading, the host's own."""

    def __init__(self, host: Callable[[], datetime] = _host_now) -> None:
        self._host = host
        self._read: tuple[datetime, float] | None = None
        self._is_off = False

    def now(self) -> datetime:
        """Return the current time."""
        if self._read is None:
            return self._host()
        at, then = self._read
        return at + timedelta(seconds=time.monotonic() - then)

    async def reload(self, store: Store) -> None:
        """Read PostgreSQL's clock; log once when the host's is off, and once when it is right."""
        async with store.transaction() as tx:
            self._read = await clock.now(tx), time.monotonic()
        self._compare(self._host() - self.now())

    def _compare(self, ahead: timedelta) -> None:
        skew = abs(ahead.total_seconds())
        metrics.CLOCK_SKEW_SECONDS.set(skew)
        is_off = abs(ahead) > _MAX_SKEW
        if is_off and not self._is_off:
            direction = "ahead of" if ahead > timedelta() else "behind"
            logger.warning(
                "this host's clock is %.0f s %s PostgreSQL's, which decides: set the wrong one",
                skew,
                direction,
            )
        elif self._is_off and not is_off:
            logger.info("this host's clock and PostgreSQL's agree again")
        self._is_off = is_off
