"""The way to PostgreSQL: a pool of connections, transactions, notifications.

Driver errors are translated here, once: above this module there is only StoreUnavailable.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeAlias, TypeVar

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import DictRow, class_row, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from ..errors import StoreUnavailable
from .roles import as_server
from .sql import SQL

Transaction: TypeAlias = AsyncConnection[DictRow]
"""A transaction under way: what every function of the store takes first."""

Row = TypeVar("Row")


class Store:
    """PostgreSQL, through a pool that finds its way back when the server was away.

    Every connection is in the role that serves, which cannot rewrite the audit log.
    """

    def __init__(self, url: str, *, pool_size: int = 8, timeout: float = 2.0) -> None:
        self._url = as_server(url)
        self._pool: AsyncConnectionPool[Transaction] = AsyncConnectionPool(
            self._url,
            kwargs={"row_factory": dict_row, "connect_timeout": 2},
            min_size=1,
            max_size=pool_size,
            timeout=timeout,
            open=False,
            reconnect_timeout=0,
            check=AsyncConnectionPool.check_connection,
        )

    async def open(self) -> None:
        """Start the pool; it connects in the background, for as long as it takes."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    @property
    def waiting(self) -> int:
        """Say how many wait for a connection at this moment."""
        return self._pool.get_stats().get("requests_waiting", 0)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """One transaction: committed at the end of the block, undone when it raises.

        Raises StoreUnavailable when PostgreSQL is away, before or while.
        """
        with _translated():
            async with self._pool.connection() as connection:
                yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Transaction]:
        """One read-only transaction in which every statement sees the same moment."""
        async with self.transaction() as tx:
            await tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield tx

    @asynccontextmanager
    async def alone(self, lock: int) -> AsyncIterator[bool]:
        """Be the only one in the database who holds this lock; yields False where another does.

        It is PostgreSQL's advisory lock of a connection of its own: whoever dies lets go of it.
        """
        with _translated():
            connection = await psycopg.AsyncConnection.connect(
                self._url, autocommit=True, connect_timeout=2
            )
            async with connection:
                found = await connection.execute("SELECT pg_try_advisory_lock(%s)", (lock,))
                yield await found.fetchone() == (True,)

    async def listen(self, *channels: str, heartbeat: float) -> AsyncGenerator[None]:
        """Yield at once, then whenever a channel is notified, at the latest every `heartbeat` s.

        Raises StoreUnavailable when the connection is lost.
        """
        with _translated():
            connection = await psycopg.AsyncConnection.connect(
                self._url, autocommit=True, connect_timeout=2
            )
            async with connection:
                for channel in channels:
                    await connection.execute(
                        psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel))
                    )
                while True:
                    yield
                    await _wait(connection, heartbeat)


async def _wait(connection: AsyncConnection[Any], heartbeat: float) -> None:
    async for _ in connection.notifies(timeout=heartbeat, stop_after=1):
        return
    # Nothing came: is the server still there? Silence alone would not say.
    await connection.execute("SELECT 1")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, TooManyRequests):
        # The driver's text may hold parameters, so it is not passed on.
        raise StoreUnavailable from None


async def execute(tx: Transaction, statement: str, /, **parameters: Any) -> AsyncCursor[DictRow]:
    """Run the statement of queries.sql that has this name."""
    return await tx.execute(SQL[statement], parameters or None)


async def fetch_all(
    tx: Transaction, row: type[Row], statement: str, /, **parameters: Any
) -> list[Row]:
    """Run a statement; answer its rows as values of the class `row`."""
    async with tx.cursor(row_factory=class_row(row)) as cursor:
        await cursor.execute(SQL[statement], parameters or None)
        return await cursor.fetchall()


async def notify(tx: Transaction, channel: str) -> None:
    """Wake who listens on the channel, once the transaction has committed."""
    await execute(tx, "notify", channel=channel)
