"""What time it is, by PostgreSQL's clock, also while that is away.

A host's own clock may be wrong by an hour or a year. What expires, and what others are told of
when something was, must not hang on which host was asked. So the one clock that all have in
common is read once a second, and goes on by the monotonic clock in between: that one is not set.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from .. import metrics
from ..store import Store, clock

_OFF = timedelta(seconds=10)
"""How far a host's clock may be off before somebody should know."""

logger = logging.getLogger(__name__)


def _host() -> datetime:
    return datetime.now(UTC)


class Clock:
    """PostgreSQL's clock as this worker knows it; before it was first read, the host's own."""

    def __init__(self, host: Callable[[], datetime] = _host) -> None:
        self._host = host
        self._read: tuple[datetime, float] | None = None
        self._off = False

    def now(self) -> datetime:
        """Say what time it is."""
        if self._read is None:
            return self._host()
        at, then = self._read
        return at + timedelta(seconds=time.monotonic() - then)

    async def reload(self, store: Store) -> None:
        """Read it anew; say once when the host's own is off, and once when it is right again."""
        async with store.transaction() as tx:
            self._read = await clock.now(tx), time.monotonic()
        self._compare(self._host() - self.now())

    def _compare(self, ahead: timedelta) -> None:
        metrics.CLOCK_OFF_SECONDS.set(abs(ahead.total_seconds()))
        off = abs(ahead) > _OFF
        if off and not self._off:
            logger.warning(
                "this host's clock is %.0f s %s PostgreSQL's, which decides: set the one that is"
                " wrong",
                abs(ahead.total_seconds()),
                "ahead of" if ahead > timedelta() else "behind",
            )
        elif self._off and not off:
            logger.info("this host's clock and PostgreSQL's agree again")
        self._off = off
