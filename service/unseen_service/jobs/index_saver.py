"""Folds the newest hashes into the bulk and saves it, so that a restart is quick.

Every worker has a keeper; of the workers that share a folder one at a time does the work, and
the others go over to what it saved.
"""

import asyncio
import logging
import time

from unseen_index import DamagedTableError

from ..live.index import LiveIndex, Loaded, save
from ..live.saved_indexes import SavedIndexes
from ..metrics import MERGE_SECONDS

_LOOK_EVERY = 1.0
_LONGEST_PAUSE = 60.0

logger = logging.getLogger(__name__)


class IndexSaver:
    """Saves once `changes` have come since the last time, or once `seconds` are over."""

    def __init__(
        self, index: LiveIndex, saved: SavedIndexes, *, changes: int, seconds: float
    ) -> None:
        self._index = index
        self._saved = saved
        self._changes = changes
        self._seconds = seconds
        self._waited = 0.0
        self._pause = 0.0
        self._not_before = 0.0

    async def run(self) -> None:
        """Keep until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            self._waited += _LOOK_EVERY
            loaded = self._index.loaded
            try:
                if loaded and time.monotonic() >= self._not_before and self._is_time(loaded):
                    await self._keep(loaded)
                    self._waited = 0.0
            except DamagedTableError as error:
                if loaded:
                    self._index.give_up(loaded.table, error)
            except OSError as error:
                self._put_off(error)
            except Exception:
                logger.exception("saving the index failed; trying again")

    def _put_off(self, error: OSError) -> None:
        """Try again after a while, each time a longer one: the disk is full, say."""
        if not self._pause:
            logger.warning("the index cannot be saved, and is served from memory: %s", error)
        self._pause = min(2 * self._pause or _LOOK_EVERY, _LONGEST_PAUSE)
        self._not_before = time.monotonic() + self._pause

    def _is_time(self, loaded: Loaded) -> bool:
        newest = self._saved.newest_first()[:1]
        behind = loaded.position - (newest[0].position if newest else 0)
        return behind >= self._changes or (behind > 0 and self._waited >= self._seconds)

    async def _keep(self, loaded: Loaded) -> None:
        with self._saved.alone(wait=False) as alone:
            # Another worker may have saved since this one looked.
            if alone and self._is_time(loaded):
                with MERGE_SECONDS.time():
                    await asyncio.to_thread(loaded.table.merge)
                    await save(loaded, self._saved)
                if self._pause:
                    logger.info("the index can be saved again")
                    self._pause = 0.0
