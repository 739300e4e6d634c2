"""The change log: every activation and removal of a hash, numbered in commit order, no gaps.

Whoever will write to it takes `lock` first, before any other row: so writers form one line,
positions become visible in order, and two writers never wait for each other.
"""

from collections.abc import AsyncIterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..models import HASH_BYTES, Change, ChangeKind
from . import webhooks
from .database import Transaction, execute, notify
from .sql import SQL

CHANNEL = "unseen_changes"
"""Notified whenever the change log has grown."""

_COPY_HEADER = 19
_COPY_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("id_length", ">i4"),
        ("id", ">i8"),
        ("pdq_length", ">i4"),
        ("pdq", np.uint8, HASH_BYTES),
    ]
)
"""A row of PostgreSQL's binary COPY: each of these has the same length, so no parser is needed."""

_BLOCK = 4 << 20

Rows: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]


async def lock(tx: Transaction) -> None:
    """Become the only writer of the change log until the transaction ends."""
    await execute(tx, "lock_change_head")


async def append(tx: Transaction, kind: ChangeKind, hash_ids: Sequence[int]) -> None:
    """Write one change a hash, with what webhooks tell of it; wake every index at the commit."""
    if hash_ids:
        await execute(tx, "append_changes", kind=kind.value, hash_ids=sorted(hash_ids))
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
    return row["at"].isoformat() if row else ""


async def active_hashes(tx: Transaction) -> AsyncIterator[Rows]:
    """Stream every matchable hash, a block at a time: ids int64[n], hashes uint8[n, 32]."""
    async with tx.cursor() as cursor, cursor.copy(SQL["copy_active_hashes"]) as copy:
        buffer = bytearray()
        header = _COPY_HEADER
        async for message in copy:
            buffer += memoryview(message)[header:]
            header = 0
            if len(buffer) >= _BLOCK:
                yield _take_rows(buffer)
        # What is left behind the last whole row is COPY's two-byte trailer.
        yield _take_rows(buffer)


def _take_rows(buffer: bytearray) -> Rows:
    count = len(buffer) // _COPY_ROW.itemsize
    table = np.frombuffer(bytes(buffer[: count * _COPY_ROW.itemsize]), dtype=_COPY_ROW)
    del buffer[: count * _COPY_ROW.itemsize]
    return table["id"].astype(np.int64), np.ascontiguousarray(table["pdq"])
