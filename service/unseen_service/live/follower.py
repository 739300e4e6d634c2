"""Keeps what is in memory in step with the store, for as long as the worker lives."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing, suppress
from typing import Protocol

from .. import metrics
from ..errors import StoreUnavailable
from ..store import Store, changes, keys, screening
from . import database_identity
from .index import LiveIndex
from .outage_log import OutageLog

_HEARTBEAT = 1.0
_SILENT = 5 * _HEARTBEAT
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 0.5

logger = logging.getLogger(__name__)


class Reloadable(Protocol):
    """What is small enough to be read anew whenever something has changed."""

    async def reload(self, store: Store) -> None:
        """Read it anew."""


class Follower:
    """Listens, wakes up, catches up; finds its way back when the connection is lost.

    A notification is only a hint: what is new is always read from the change log, so one that
    is lost delays by a heartbeat at most. What is small, the keys above all, has a listener of
    its own: a revocation must not wait while an index is loaded or a flood of changes applied.
    """

    def __init__(self, store: Store, index: LiveIndex, small: Iterable[Reloadable]) -> None:
        self._store = store
        self._index = index
        self._small = tuple(small)
        self._in_step_at: float | None = None
        self._begun_at = self._touched_at = time.monotonic()
        self._away = False
        self._outage = OutageLog(store)
        self._missing = 0
        self._grown = asyncio.Event()

    def behind(self) -> tuple[int, float | None]:
        """Say how many changes are known and not applied yet, and when none was, seconds ago.

        None: it never was in step.
        """
        in_step_at = self._in_step_at
        return self._missing, None if in_step_at is None else time.monotonic() - in_step_at

    def cut_off_for(self) -> float | None:
        """Say for how many seconds PostgreSQL has not answered; None: it does."""
        silent = time.monotonic() - self._touched_at
        # While changes are applied nobody asks: that is being behind, and not being cut off.
        return silent if self._away or (silent > _SILENT and not self._missing) else None

    def measure(self) -> None:
        """Measure how far the worker is."""
        in_step_at = self._begun_at if self._in_step_at is None else self._in_step_at
        metrics.HASHES.set(len(self._index))
        metrics.POSITION.set(self._index.position)
        metrics.BEHIND.set(self._missing)
        metrics.BEHIND_SECONDS.set(time.monotonic() - in_step_at)

    async def wait_beyond(self, position: int, seconds: float) -> None:
        """Wait until the change log has gone beyond a position, but no longer than this.

        Who waits costs an entry in a list: no connection, no timer but its own.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._index.position <= position:
                    await self._grown.wait()

    async def run(self) -> None:
        """Follow until cancelled."""
        await asyncio.gather(
            self._follow([changes.CHANNEL], self._catch_up, self._settle),
            self._follow([keys.CHANNEL, screening.CHANNEL], self._reload_small),
        )

    async def _follow(
        self,
        channels: list[str],
        catch_up: Callable[[], Awaitable[None]],
        begin: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Catch up whenever woken; begin first, with each new connection."""
        pause = _FIRST_PAUSE
        while True:
            try:
                async with aclosing(self._store.listen(*channels, heartbeat=_HEARTBEAT)) as wakes:
                    begun = begin is None
                    async for _ in wakes:
                        if begin and not begun:
                            await begin()
                            begun = True
                        await catch_up()
                        pause = _FIRST_PAUSE
            except StoreUnavailable as error:
                self._away = self._away or changes.CHANNEL in channels
                self._outage.mark_down(channels[0], error.why)
            except Exception:
                logger.exception("following %s failed; trying again", channels)
            self.measure()
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _settle(self) -> None:
        """See whether the database is the one that it was when there was a connection last."""
        await database_identity.settle(self._store)
        await self._index.hold(self._store)

    async def _reload_small(self) -> None:
        for each in self._small:
            await each.reload(self._store)
        self._outage.mark_up(keys.CHANNEL)

    async def _catch_up(self) -> None:
        if self._in_step_at is None:
            # Who is ready has the keys, whichever listener was the first.
            await self._reload_small()
        before = self._index.position
        async with self._store.transaction() as tx:
            self._missing = max(0, await changes.position(tx) - before)
        self._touched_at, self._away = time.monotonic(), False
        self._outage.mark_up(changes.CHANNEL)
        if self._missing:
            self.measure()
        await self._index.catch_up(self._store)
        await self._index.adopt_newer(self._store)
        self._in_step_at = self._touched_at = time.monotonic()
        self._missing = 0
        self.measure()
        if self._index.position > before:
            self._grown.set()
            self._grown = asyncio.Event()
