"""The change log: every activation and removal of a hash, numbered in commit order, no gaps.

Whoever will write to it takes `lock` first, before any other row: so writers form one line,
positions become visible in order, and two writers never wait for each other.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..models.changes import Change, ChangeKind
from ..models.hashes import HASH_BYTES
from . import obligations, webhooks
from .pool import Transaction, execute, notify, with_lock_retry
from .sql import SQL

CHANNEL = "unseen_changes"
"""Notified whenever the change log has grown."""

_PACKED = np.dtype([("id", ">i8"), ("pdq", np.uint8, HASH_BYTES)])
_AT_A_TIME = 50_000

Rows: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]


async def lock(tx: Transaction) -> None:
    """Become the only writer of the change log until the transaction ends."""
    await with_lock_retry(tx, lambda: execute(tx, "lock_change_head"))


async def append(tx: Transaction, kind: ChangeKind, hash_ids: Sequence[int]) -> None:
    """Write one change a hash, with what webhooks tell of it; wake every index at the commit."""
    if hash_ids:
        await execute(tx, "append_changes", kind=kind.value, hash_ids=sorted(hash_ids))
        if kind in (ChangeKind.ADD, ChangeKind.REMOVE):
            await obligations.forget(tx, hash_ids)
        await webhooks.enqueue(tx, kind, hash_ids)
        await notify(tx, CHANNEL)


async def read(tx: Transaction, after: int, limit: int) -> list[Change]:
    """Read at most `limit` changes that follow the position `after`, in order."""
    rows = await (await execute(tx, "read_changes", after=after, limit=limit)).fetchall()
    return [Change(**{**row, "kind": ChangeKind(row["kind"])}) for row in rows]


async def position(tx: Transaction) -> int:
    """Say how far the change log is."""
    row = await (await execute(tx, "change_position")).fetchone()
    return int(row["position"]) if row else 0


async def mark(tx: Transaction, position: int) -> str:
    """Say what tells the change at a position from one of another history: its time."""
    row = await (await execute(tx, "change_mark", position=position)).fetchone()
    return mark_of(row["at"]) if row else ""


def mark_of(at: datetime) -> str:
    """Write the mark of a change that was made at this time."""
    return at.astimezone(UTC).isoformat()


async def here(tx: Transaction) -> str:
    """Say what tells this database from a copy of it: the server's identifier and its own."""
    row = await (await execute(tx, "may_name_server")).fetchone()
    statement = "server_and_database" if row and row["may"] else "database_alone"
    found = await (await execute(tx, statement)).fetchone()
    return str(found["here"]) if found else ""


async def origin(tx: Transaction) -> str | None:
    """Say where the change log was named, as `here` does; None: nowhere yet."""
    row = await (await execute(tx, "log_origin")).fetchone()
    return row["origin"] if row else None


async def move(tx: Transaction, origin: str) -> None:
    """Remember where the change log is now."""
    await execute(tx, "move_log", origin=origin)


async def rename_log(tx: Transaction) -> None:
    """Give the change log another name: who reads the feed has to start again."""
    await execute(tx, "rename_log")


async def about_how_many(tx: Transaction) -> int:
    """Say about how many hashes there are, withdrawn ones among them; 0 where nobody knows."""
    row = await (await execute(tx, "hashes_estimated")).fetchone()
    return int(row["about"]) if row else 0


async def active_hashes(tx: Transaction) -> AsyncIterator[Rows]:
    """Stream every matchable hash, a block at a time: ids int64[n], hashes uint8[n, 32].

    PostgreSQL packs each block into one value: COPY, a message a row, took six times as long.
    """
    after = 0
    async with tx.cursor(binary=True) as cursor:
        while True:
            await cursor.execute(SQL["pack_active_hashes"], {"after": after, "limit": _AT_A_TIME})
            row = await cursor.fetchone()
            if row is None or row["packed"] is None:
                return
            rows = np.frombuffer(row["packed"], _PACKED)
            yield rows["id"].astype(np.int64), np.ascontiguousarray(rows["pdq"])
            after = row["last"]
