"""Logs outages of PostgreSQL in one place: at the start, once a minute, and at the end.

Everything else that runs beside requests tries again in silence: in an hour, it would log tens of
thousands of lines per worker.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from ..store import Store

_REPEAT_S = 60.0
_QUIET_S = 5.0
"""After a line, the next outage must last this long: a flapping connection fills no log."""

logger = logging.getLogger(__name__)


class OutageLog:
    """Which listeners have lost PostgreSQL, since when, and what was logged about it."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._down: set[str] = set()
        self._since = 0.0
        self._why = ""
        self._is_logged = False
        self._logged_at: float | None = None
        self._asking: asyncio.Task[None] | None = None

    def mark_down(self, listener: str, why: str) -> None:
        """Record that a listener has lost PostgreSQL; log it if it is time to."""
        now = self._clock()
        if not self._down:
            self._since = now
        self._down.add(listener)
        self._why = why
        pause = _REPEAT_S if self._is_logged else _QUIET_S
        if self._asking is None and (self._logged_at is None or now - self._logged_at >= pause):
            # As a task: to find out why takes as long as to connect.
            self._asking = asyncio.create_task(self._ask_and_log())

    def mark_up(self, listener: str) -> None:
        """Record that a listener has PostgreSQL again; log the end of an outage once all have."""
        self._down.discard(listener)
        seconds = self._clock() - self._since
        if self._down or not (self._is_logged or self._asking):
            return
        if self._asking:
            self._asking.cancel()
            self._note_logged()
            logger.warning("PostgreSQL was unavailable for %.1f s: %s", seconds, self._why)
        else:
            logger.info("PostgreSQL is available again after %.1f s", seconds)
        self._is_logged = False

    async def _ask_and_log(self) -> None:
        why = await self._store.why_unavailable() or self._why
        if self._is_logged:
            seconds = self._clock() - self._since
            logger.warning("PostgreSQL has been unavailable for %.0f s: %s", seconds, why)
        else:
            logger.warning("PostgreSQL is unavailable: %s; reconnecting", why)
        self._note_logged()

    def _note_logged(self) -> None:
        self._asking, self._is_logged, self._logged_at = None, True, self._clock()
