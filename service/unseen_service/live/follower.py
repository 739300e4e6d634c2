"""Keeps the state in memory up to date with the store, for as long as the worker lives."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing, suppress
from typing import Literal, Protocol

from .. import metrics
from ..errors import HashesUnreadable, StoreUnavailable
from ..store import Store, changes, keys, schema_version, screening
from .database_identity import ensure_log_id
from .index import LiveIndex
from .outage_log import OutageLog

_HEARTBEAT_S = 1.0
_SILENCE_S = 5 * _HEARTBEAT_S
_MIN_PAUSE_S, _MAX_PAUSE_S = 0.05, 0.5

logger = logging.getLogger(__name__)


class Reloadable(Protocol):
    """State that is small enough to be reloaded whenever anything has changed."""

    async def reload(self, store: Store) -> None:
        """Reload it. Raises StoreUnavailable."""


class Follower:
    """Listens for notifications and catches up; reconnects when the connection is lost.

    A notification is only a hint: what is new is always read from the change log, so that a lost
    one delays by a heartbeat at most. The small state, above all the keys, has a listener of its
    own: a revocation must not wait while an index is loaded or many changes are applied.
    """

    def __init__(self, store: Store, index: LiveIndex, small: Iterable[Reloadable]) -> None:
        self._store = store
        self._index = index
        self._small = tuple(small)
        self._up_to_date_at: float | None = None
        self._started_at = self._responded_at = time.monotonic()
        self._is_cut_off = False
        self._outage = OutageLog(store)
        self._lag = 0
        self.newer_schema: Literal["at-start", "since-start"] | None = None
        """Whether, and since when, a newer version has migrated the database."""
        self.key_missing = ""
        """Why the hashes in the database cannot be read; empty: they can."""
        self._advanced = asyncio.Event()

    def lag(self) -> tuple[int, float | None]:
        """Return the known changes not applied yet, and the seconds since there were none.

        None: the worker never was up to date.
        """
        at = self._up_to_date_at
        return self._lag, None if at is None else time.monotonic() - at

    def cut_off_for(self) -> float | None:
        """Return for how many seconds PostgreSQL has not responded; None if it does."""
        silent = time.monotonic() - self._responded_at
        # While changes are applied nothing is asked: that is a lag, and not an outage.
        is_silent = silent > _SILENCE_S and not self._lag
        return silent if self._is_cut_off or is_silent else None

    def measure(self) -> None:
        """Set the gauges of the index and its lag."""
        at = self._started_at if self._up_to_date_at is None else self._up_to_date_at
        metrics.HASHES.set(len(self._index))
        metrics.POSITION.set(self._index.position)
        metrics.INDEX_LAG_CHANGES.set(self._lag)
        metrics.INDEX_LAG_SECONDS.set(time.monotonic() - at)

    async def wait_beyond(self, position: int, seconds: float) -> None:
        """Wait until the index is beyond a position of the change log, at most this long.

        A waiting caller costs an entry in a list: no connection, no timer but its own.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._index.position <= position:
                    await self._advanced.wait()

    async def run(self) -> None:
        """Follow until cancelled."""
        await asyncio.gather(
            self._follow([changes.CHANNEL], self._catch_up, self._check_identity),
            self._follow([keys.CHANNEL, screening.CHANNEL], self._reload_small),
        )

    async def _follow(
        self,
        channels: list[str],
        catch_up: Callable[[], Awaitable[None]],
        begin: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Catch up at every notification; call `begin` first on each new connection."""
        pause = _MIN_PAUSE_S
        while True:
            try:
                wakes = self._store.listen(*channels, heartbeat=_HEARTBEAT_S)
                async with aclosing(wakes):
                    has_begun = begin is None
                    async for _ in wakes:
                        if begin and not has_begun:
                            await begin()
                            has_begun = True
                        await catch_up()
                        pause = _MIN_PAUSE_S
            except HashesUnreadable as error:
                if error.why != self.key_missing:
                    logger.warning("%s", error.why)
                self.key_missing = error.why
            except StoreUnavailable as error:
                self._is_cut_off = self._is_cut_off or changes.CHANNEL in channels
                self._outage.mark_down(channels[0], error.why)
            except Exception:
                logger.exception("following %s failed; trying again", channels)
            self.measure()
            await asyncio.sleep(pause)
            pause = min(2 * pause, _MAX_PAUSE_S)

    async def _check_identity(self) -> None:
        """Check whether the database is the one of the previous connection."""
        await ensure_log_id(self._store)
        await self._index.check_history(self._store)

    async def compare_schema(self) -> None:
        """Notice that a newer version has migrated the database; a worker stays as it began.

        Raises StoreUnavailable.
        """
        if self.newer_schema:
            return
        async with self._store.transaction() as tx:
            is_newer = await schema_version.is_newer(tx)
        metrics.NEWER_SCHEMA.set(is_newer)
        if is_newer:
            self.newer_schema = "at-start" if self._up_to_date_at is None else "since-start"
            logger.warning(
                "a newer version of the service has migrated the database: update this one"
            )

    async def _reload_small(self) -> None:
        for each in self._small:
            await each.reload(self._store)
        self._outage.mark_up(keys.CHANNEL)

    async def _catch_up(self) -> None:
        if self._up_to_date_at is None:
            # A worker that is ready has the keys, whichever listener came first.
            await self._reload_small()
            await self.compare_schema()
        before = self._index.position
        async with self._store.transaction() as tx:
            self._lag = max(0, await changes.position(tx) - before)
        self._responded_at, self._is_cut_off = time.monotonic(), False
        self._outage.mark_up(changes.CHANNEL)
        if self._lag:
            self.measure()
        await self._index.catch_up(self._store)
        await self._index.adopt_newer(self._store)
        self._up_to_date_at = self._responded_at = time.monotonic()
        self.key_missing = ""
        self._lag = 0
        self.measure()
        if self._index.position > before:
            self._advanced.set()
            self._advanced = asyncio.Event()
