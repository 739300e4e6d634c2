"""An index kept in step with the store by the change log."""

import asyncio
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from unseen_index import HashTable, Hits

from ..errors import StillLoading
from ..models import HASH_BYTES, Change
from ..store import Store, changes

_PAGE = 10_000
_IN_THE_LOOP = 16
"""Queries that are searched on the event loop: past this, a thread is worth its hand-over."""


class LiveIndex:
    """The hash table that this worker searches, and how far along the change log it is."""

    def __init__(self) -> None:
        self._table: HashTable | None = None
        self.position = 0

    @property
    def loaded(self) -> bool:
        """Whether look-ups can be answered."""
        return self._table is not None

    def __len__(self) -> int:
        return 0 if self._table is None else len(self._table)

    async def search(self, queries: npt.NDArray[np.uint8], radius: int) -> Hits:
        """Search; raise StillLoading before the first load has ended."""
        if self._table is None:
            raise StillLoading
        if len(queries) <= _IN_THE_LOOP:
            return self._table.search(queries, radius)
        return await asyncio.to_thread(self._table.search, queries, radius)

    async def load(self, store: Store) -> None:
        """Build the table from every matchable hash, as of one position of the change log."""
        table = HashTable()
        async with store.snapshot() as tx:
            position = await changes.position(tx)
            async for ids, hashes in changes.active_hashes(tx):
                if len(ids):
                    await asyncio.to_thread(table.add, ids, hashes)
        self._table, self.position = table, position

    async def catch_up(self, store: Store) -> None:
        """Apply every change that is not applied yet; load first where nothing is loaded."""
        if self._table is None:
            await self.load(store)
        while page := await self._next_page(store):
            await asyncio.to_thread(self._apply, page)

    async def _next_page(self, store: Store) -> list[Change]:
        async with store.transaction() as tx:
            return await changes.read(tx, self.position, _PAGE)

    def _apply(self, page: Iterable[Change]) -> None:
        """Apply changes: each brings what its hash is now, so of several to one the last stands."""
        assert self._table is not None
        last = {change.hash_id: change for change in page}
        added = [(change.hash_id, change.pdq) for change in last.values() if change.pdq is not None]
        # Removed first, also what is added: it may have been in the table before this page.
        self._table.remove(np.fromiter(last, np.int64, len(last)))
        if added:
            ids = np.array([hash_id for hash_id, _ in added], np.int64)
            bits = np.frombuffer(b"".join(pdq for _, pdq in added), np.uint8)
            self._table.add(ids, bits.reshape(-1, HASH_BYTES))
        self.position = max(change.position for change in last.values())
