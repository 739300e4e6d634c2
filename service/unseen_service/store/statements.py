"""Run the statements of queries/ by name, in a transaction, and fetch what they return."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

import psycopg
from psycopg import AsyncCursor
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, class_row

from .connection import TimedConnection
from .sql import SQL

Transaction: TypeAlias = TimedConnection
"""An open transaction: the first parameter of every function of the store."""

Row = TypeVar("Row")
Answer = TypeVar("Answer")


async def execute(tx: Transaction, statement: str, /, **parameters: Any) -> AsyncCursor[DictRow]:
    """Execute the statement of this name. Return its cursor."""
    return await tx.execute(SQL[statement], parameters or None)


async def execute_and_sync(
    tx: Transaction, statement: str, /, **parameters: Any
) -> AsyncCursor[DictRow]:
    """Execute, then sync the pipeline if there is one. Return the cursor."""
    cursor = await execute(tx, statement, **parameters)
    await tx.sync_pipeline()
    return cursor


async def fetch_one(tx: Transaction, statement: str, /, **parameters: Any) -> DictRow | None:
    """Execute a statement. Return its row, or None if there is none."""
    return await (await execute(tx, statement, **parameters)).fetchone()


async def fetch_value(tx: Transaction, statement: str, /, **parameters: Any) -> Any:
    """Execute a statement of one column. Return the value of its row, or None without one."""
    row = await fetch_one(tx, statement, **parameters)
    return next(iter(row.values())) if row else None


async def fetch_rows(tx: Transaction, statement: str, /, **parameters: Any) -> list[DictRow]:
    """Execute a statement. Return its rows."""
    return await (await execute(tx, statement, **parameters)).fetchall()


async def fetch_column(tx: Transaction, statement: str, /, **parameters: Any) -> list[Any]:
    """Execute a statement. Return the values of its first column."""
    rows = await fetch_rows(tx, statement, **parameters)
    return [next(iter(row.values())) for row in rows]


async def fetch_all(
    tx: Transaction, row: type[Row], statement: str, /, **parameters: Any
) -> list[Row]:
    """Execute a statement. Return its rows as instances of the class `row`."""
    async with tx.cursor(row_factory=class_row(row)) as cursor:
        await cursor.execute(SQL[statement], parameters or None)
        return await cursor.fetchall()


async def notify(tx: Transaction, channel: str) -> None:
    """Notify everyone who listens on the channel, once the transaction has committed."""
    await execute(tx, "notify", channel=channel)


async def with_lock_retry(
    tx: Transaction, take: Callable[[], Awaitable[Answer]], *, only_read: bool = False
) -> Answer:
    """Acquire a contended lock; try once more if it was not granted within `lock_timeout`.

    That timeout is shorter than a host that vanished can hold the lock. The retry is possible
    only as the first statement of a transaction, where a rollback loses nothing, or if what came
    before has `only_read`.
    """
    is_first = only_read or tx.info.transaction_status is TransactionStatus.IDLE
    try:
        return await take()
    except psycopg.errors.LockNotAvailable:
        if not is_first:
            raise
        await tx.rollback()
        return await take()
