"""Tells of PostgreSQL's absence: from one place, a line when it goes, one a minute, one after.

Whatever else runs beside the requests tries again and says nothing: in an hour that would be tens
of thousands of lines a worker.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from ..store import Store

_AGAIN_AFTER_S = 60.0
_QUIET_S = 5.0
"""After a line, the next outage has to last so long: one that comes and goes fills no log."""

logger = logging.getLogger(__name__)


class OutageLog:
    """Who is without PostgreSQL, since when, and what was told of it."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._without: set[str] = set()
        self._since = 0.0
        self._why = ""
        self._told = False
        self._told_at: float | None = None
        self._asking: asyncio.Task[None] | None = None

    def mark_down(self, who: str, why: str) -> None:
        """Note that somebody is without PostgreSQL; tell it where it is time to."""
        now = self._clock()
        if not self._without:
            self._since = now
        self._without.add(who)
        self._why = why
        pause = _AGAIN_AFTER_S if self._told else _QUIET_S
        if self._asking is None and (self._told_at is None or now - self._told_at >= pause):
            # Beside who finds the way back: to ask why takes as long as to connect.
            self._asking = asyncio.create_task(self._ask_and_tell())

    def mark_up(self, who: str) -> None:
        """Note that it is back for somebody; tell it once it is for all, where they were told."""
        self._without.discard(who)
        away = self._clock() - self._since
        if self._without or not (self._told or self._asking):
            return
        if self._asking:
            self._asking.cancel()
            self._note_told()
            logger.warning("PostgreSQL was away for %.1f s: %s", away, self._why)
        else:
            logger.info("PostgreSQL is back; it was away for %.1f s", away)
        self._told = False

    async def _ask_and_tell(self) -> None:
        why = await self._store.why_unavailable() or self._why
        if self._told:
            away = self._clock() - self._since
            logger.warning("PostgreSQL is still away, for %.0f s: %s", away, why)
        else:
            logger.warning("PostgreSQL is away: %s; trying again until it is back", why)
        self._note_told()

    def _note_told(self) -> None:
        self._asking, self._told, self._told_at = None, True, self._clock()
