"""The index, kept up to date with the store through the change log."""

import asyncio
import logging
import os
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from unseen_index import DamagedTableError, HashTable, Hits

from .. import metrics
from ..errors import StillLoading
from ..models.changes import Change
from ..models.hashes import HASH_BYTES
from ..settings import Device
from ..store import Store, changes, clock, hashes
from .saved_indexes import Saved, SavedIndexes

_PAGE = 10_000
_INLINE = 8
"""Queries that are searched on the event loop: more are worth a thread."""

_SLICE = 256
"""Queries that are searched before another lookup gets a turn: some milliseconds."""

_LOG_EVERY = 1_000_000

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Loaded:
    """A table, the position up to which changes are applied, and the mark of the change there."""

    table: HashTable
    position: int
    mark: str


class LiveIndex:
    """The hash table that this worker searches, and its position in the change log.

    With `saved`, it is opened from disk if possible, and shared by the workers of this host.
    """

    def __init__(self, saved: SavedIndexes | None = None, device: Device = "cpu") -> None:
        self._saved = saved
        self._device = device
        # Threads of their own, and fewer than cores: large lookups share them, a slice at a time,
        # and leave a core to the event loop and to whatever else uses threads.
        self._threads = ThreadPoolExecutor(max(1, (os.cpu_count() or 1) // 2), "search")
        self._loaded: Loaded | None = None
        self._opened_at = 0
        self.progress = 0
        """Hashes read so far, during a load."""
        self.expected = 0
        """About how many there are to read; 0: unknown."""
        self.first_loaded = asyncio.Event()
        """Set after the first load."""

    @property
    def loaded(self) -> Loaded | None:
        """The table that is searched now; None before the first load."""
        return self._loaded

    @property
    def position(self) -> int:
        """The position of the change log up to which lookups are answered."""
        return self._loaded.position if self._loaded else 0

    @property
    def nbytes(self) -> int:
        """Its size in bytes, mapped ones included."""
        return self._loaded.table.nbytes if self._loaded else 0

    def __len__(self) -> int:
        return len(self._loaded.table) if self._loaded else 0

    async def search(self, queries: npt.NDArray[np.uint8], radius: int, nearest: int) -> Hits:
        """Find the nearest hits of queries (uint8[q, 32]) within `radius` bits.

        A large search is done in slices, so that those of others get a turn.
        Raises StillLoading before a load.
        A saved table is checked as it is read: if it is damaged it is discarded, and loaded again
        from the store.
        """
        if self._loaded is None:
            raise StillLoading
        table = self._loaded.table
        try:
            if len(queries) <= _INLINE:
                return table.search(queries, radius, nearest=nearest)
            loop, found = asyncio.get_running_loop(), []
            for start in range(0, len(queries), _SLICE):
                search = partial(table.search, queries[start : start + _SLICE], radius)
                found.append(
                    await loop.run_in_executor(self._threads, partial(search, nearest=nearest))
                )
            return Hits.joined(found)
        except DamagedTableError as error:
            self.discard(table, error)
            raise StillLoading from None

    async def catch_up(self, store: Store) -> None:
        """Apply every change that is not applied yet; load first if nothing is loaded."""
        loaded = self._loaded or await self._load(store)
        try:
            await advance(loaded, store)
            self._loaded = loaded
            self.first_loaded.set()
        except DamagedTableError as error:
            self.discard(loaded.table, error)
            await self.catch_up(store)

    async def check_history(self, store: Store) -> None:
        """Discard the table if it belongs to another history than the database's.

        A backup may have been restored under a running worker. Hits are confirmed, but by id: the
        same id could be another hash.
        """
        if self._loaded is None:
            return
        position, mark = self._loaded.position, self._loaded.mark
        async with store.transaction() as tx:
            belongs = await changes.mark(tx, position) == mark
        if not belongs:
            logger.warning("index belongs to another change log; rebuilding")
            self._loaded = None
            self._opened_at = 0

    async def adopt_newer(self, store: Store) -> None:
        """Switch to the newest saved index if this host has saved one since."""
        newest = self._saved.newest_first()[:1] if self._saved else []
        if self._loaded and newest and newest[0].position > self._opened_at:
            opened = await self._opened(store, newest[0])
            if opened:
                try:
                    await advance(opened, store)
                except DamagedTableError as error:
                    self.discard(opened.table, error)
                    return
                self._loaded, self._opened_at = opened, newest[0].position

    def discard(self, table: HashTable, error: DamagedTableError) -> None:
        """Discard a damaged table and every saved one; the next catch-up loads again."""
        logger.warning("index is damaged; rebuilding: %s", error)
        if self._saved:
            for saved in self._saved.newest_first():
                self._saved.remove(saved)
        if self._loaded and self._loaded.table is table:
            self._loaded = None
            self._opened_at = 0

    async def _load(self, store: Store) -> Loaded:
        """Open the newest saved index; if there is none, one worker builds it for all."""
        if self._saved is None:
            return await self._copied(store)
        opened = await self._opened_from_disk(store)
        if opened:
            return opened
        with ExitStack() as stack:
            try:
                # In a thread: another worker may be building it, and holds the lock as long.
                turn = self._saved.exclusive(wait=True)
                is_exclusive = await asyncio.to_thread(stack.enter_context, turn)
            except OSError as error:
                logger.warning("the index cannot be saved, and is served from memory: %s", error)
                return await self._copied(store)
            opened = await self._opened_from_disk(store)
            if opened:
                return opened
            if not is_exclusive:
                return await self._copied(store)
            copied = await self._copied(store)
            try:
                await save(copied, self._saved)
            except OSError as error:
                logger.warning("the index cannot be saved, and is served from memory: %s", error)
        return await self._opened_from_disk(store) or copied

    async def _opened_from_disk(self, store: Store) -> Loaded | None:
        assert self._saved is not None
        for saved in self._saved.newest_first():
            opened = await self._opened(store, saved)
            if opened:
                self._opened_at = saved.position
                return opened
        return None

    async def _opened(self, store: Store, saved: Saved) -> Loaded | None:
        """Open a saved index; remove it if it is damaged or of another history."""
        async with store.transaction() as tx:
            belongs = await changes.mark(tx, saved.position) == saved.mark
        try:
            if belongs:
                table = await asyncio.to_thread(saved.open, self._device)
                return Loaded(table, saved.position, saved.mark)
            logger.warning("a saved index belongs to another change log; removed")
        except DamagedTableError as error:
            logger.warning("a saved index is damaged; removed: %s", error)
        assert self._saved is not None
        self._saved.remove(saved)
        return None

    async def _copied(self, store: Store) -> Loaded:
        """Build a table of every matchable hash, as of one position of the change log."""
        blocks: list[hashes.Rows] = []
        self.progress = logged = 0
        async with store.snapshot() as tx:
            position = await changes.position(tx)
            mark = await changes.mark(tx, position)
            self.expected = await changes.estimated_hashes(tx)
            async for block in hashes.active(tx):
                blocks.append(block)
                self.progress += len(block[0])
                if self.progress - logged >= _LOG_EVERY:
                    logged = self.progress
                    logger.info("loading the index: %d hashes so far", logged)
        return Loaded(await asyncio.to_thread(_build, blocks, self._device), position, mark)


def _build(blocks: list[hashes.Rows], device: Device) -> HashTable:
    table = HashTable(device=device)
    if blocks:
        ids, hashes = zip(*blocks, strict=True)
        # As one array each, added at once: so the table is built only once.
        table.add(np.concatenate(ids), np.concatenate(hashes))
    return table


async def advance(loaded: Loaded, store: Store) -> None:
    """Apply to a table every change after its position."""
    while True:
        async with store.transaction() as tx:
            page = await changes.read(tx, loaded.position, _PAGE)
            if not page:
                return
            waited = await clock.now(tx) - page[0].at
        read_at = time.monotonic()
        await asyncio.to_thread(_apply, loaded.table, page)
        loaded.position, loaded.mark = page[-1].position, changes.mark_of(page[-1].at)
        seconds = waited.total_seconds() + time.monotonic() - read_at
        # PostgreSQL's clock may have been set back: a change from the future is from just now.
        metrics.CHANGE_APPLY_SECONDS.observe(max(0.0, seconds))


async def save(loaded: Loaded, saved: SavedIndexes) -> None:
    """Save a table for the workers of this host; call it while holding `exclusive`.

    The position is read first. Changes applied while the table is written are applied again by
    the worker that opens it, which changes nothing. Raises OSError.
    """
    position, mark = loaded.position, loaded.mark
    await asyncio.to_thread(saved.publish, loaded.table, position, mark)


def _apply(table: HashTable, page: Iterable[Change]) -> None:
    """Apply changes. Each holds the hash as it is now, so of several to one hash the last counts.

    A hash that is in the table and still matchable stays untouched: its bits cannot have changed,
    and no lookup may miss it even for a moment.
    """
    last = {change.hash_id: change.pdq for change in page}
    ids = np.fromiter(last, np.int64, len(last))
    matchable = np.array([pdq is not None for pdq in last.values()])
    table.remove(ids[~matchable])
    new = ids[matchable & ~table.holds(ids)]
    if len(new):
        bits = np.frombuffer(b"".join(last[hash_id] or b"" for hash_id in new.tolist()), np.uint8)
        table.add(new, bits.reshape(-1, HASH_BYTES))
