"""The hashes that staff removed, in memory: what is close to one of them is not activated."""

from collections.abc import Sequence

import numpy as np
from unseen_index import HashTable

from ..models.hashes import HASH_BYTES, MATCH_RADIUS
from ..store import Transaction, activation


class RemovedHashes:
    """Finds which hashes are within the radius of a match of one that staff removed.

    Exact bits alone would let a removed image back in with a single changed bit. Only decisions of
    staff count, not hashes that were barred for being close to one: otherwise a chain of them
    could reach any image.
    """

    def __init__(self) -> None:
        self._table = HashTable()
        self._decisions = 0

    async def near(self, tx: Transaction, pdqs: Sequence[bytes]) -> dict[int, int]:
        """Return, by place in `pdqs` (32 bytes each), the id of a removed hash that is close to it.

        Reads the removed hashes if staff have decided since: the caller holds the change log's
        lock, so the answer is up to date.
        """
        decisions = await activation.count_decisions(tx)
        if decisions != self._decisions:
            ids, hashes = await activation.removed(tx)
            table = HashTable()
            if len(ids):
                table.add(ids, hashes)
            self._table, self._decisions = table, decisions
        if not len(self._table) or not pdqs:
            return {}
        queries = np.frombuffer(b"".join(pdqs), np.uint8).reshape(-1, HASH_BYTES)
        hits = self._table.search(queries, MATCH_RADIUS)
        places = np.repeat(np.arange(len(pdqs)), np.diff(hits.limits))
        return dict(zip(places.tolist(), hits.ids.tolist(), strict=True))
