"""Merges the newest hashes into the bulk of the index and saves it, so that a restart is quick.

Every worker has an index saver. Of the workers that share a folder one at a time saves, and the
others adopt what it saved.
"""

import asyncio
import logging
import time

from unseen_index import DamagedTableError

from ..live.index import LiveIndex, Loaded, save
from ..live.saved_indexes import SavedIndexes
from ..metrics import MERGE_SECONDS

LOOK_EVERY_S = 1.0
"""How often to check whether the index should be saved."""

_MAX_PAUSE_S = 60.0

logger = logging.getLogger(__name__)


class IndexSaver:
    """Saves after `changes` changes since the last time, or after `seconds` if there were any."""

    def __init__(
        self, index: LiveIndex, saved: SavedIndexes, *, changes: int, seconds: float
    ) -> None:
        self._index = index
        self._saved = saved
        self._changes = changes
        self._seconds = seconds
        self._saved_at = time.monotonic()
        self._pause = 0.0
        self._not_before = 0.0

    async def save_if_due(self) -> None:
        """Save the index if it is time to, unless a disk failed a moment ago."""
        loaded = self._index.loaded
        if loaded is None or time.monotonic() < self._not_before:
            return
        try:
            if self._is_due(loaded):
                await self._save(loaded)
                self._saved_at = time.monotonic()
        except DamagedTableError as error:
            self._index.discard(loaded.table, error)
        except OSError as error:
            self._back_off(error)

    def _back_off(self, error: OSError) -> None:
        """Try again later, each time after a longer pause: the disk may be full."""
        if not self._pause:
            logger.warning("the index cannot be saved, and is served from memory: %s", error)
        self._pause = min(2 * self._pause or LOOK_EVERY_S, _MAX_PAUSE_S)
        self._not_before = time.monotonic() + self._pause

    def _is_due(self, loaded: Loaded) -> bool:
        newest = self._saved.newest_first()[:1]
        behind = loaded.position - (newest[0].position if newest else 0)
        waited = time.monotonic() - self._saved_at
        return behind >= self._changes or (behind > 0 and waited >= self._seconds)

    async def _save(self, loaded: Loaded) -> None:
        with self._saved.exclusive(wait=False) as is_exclusive:
            # Another worker may have saved since this one looked.
            if is_exclusive and self._is_due(loaded):
                with MERGE_SECONDS.time():
                    await asyncio.to_thread(loaded.table.merge)
                    await save(loaded, self._saved)
                if self._pause:
                    logger.info("the index can be saved again")
                    self._pause = 0.0
