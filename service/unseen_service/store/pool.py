"""The way to PostgreSQL: a pool of connections, transactions, notifications.

Driver errors are translated here, once: above this module there is only StoreUnavailable.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, TypeAlias, TypeVar

import psycopg
from psycopg import AsyncCursor
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, class_row, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from .connection import TimedConnection, conninfo
from .diagnose import connection_lost, why_unavailable
from .sql import SQL

Transaction: TypeAlias = TimedConnection
"""A transaction under way: what every function of the store takes first."""

Row = TypeVar("Row")
Answer = TypeVar("Answer")

_LONG_READ = 60.0
"""Seconds that a statement of a long read may take at least."""

_TRY_AGAIN_AFTER = 0.2
_AT_ONCE = 0.01


class Store:
    """PostgreSQL, through a pool that finds its way back when the server was away.

    Every connection is in the role that serves, which cannot rewrite the audit log. `timeout` is
    how long a connection is waited for, `patience` how long the answer to a statement, in
    seconds: a server may be there and say nothing.
    """

    def __init__(
        self, url: str, *, pool_size: int = 8, timeout: float = 2.0, patience: float = 5.0
    ) -> None:
        self._url = conninfo(url)
        self._timeout = timeout
        self._patience = patience
        self._pool: AsyncConnectionPool[TimedConnection] = AsyncConnectionPool(
            self._url,
            connection_class=TimedConnection,
            kwargs={"row_factory": dict_row, "connect_timeout": 2},
            min_size=1,
            max_size=pool_size,
            timeout=timeout,
            open=False,
            reconnect_timeout=0,
            reconnect_failed=self._try_again,
        )
        self._drained_at = 0.0

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

    async def why_unavailable(self) -> str | None:
        """Ask why PostgreSQL is away, by one connection more; None: it is there."""
        return await asyncio.to_thread(why_unavailable, self._url)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """One transaction: committed at the end of the block, undone when it raises.

        Raises StoreUnavailable when PostgreSQL is away, before or while.
        """
        async with self._transaction(self._patience) as connection:
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Transaction]:
        """One read-only transaction in which every statement sees the same moment.

        It may read long: its statements have a minute each.
        """
        async with self._transaction(max(self._patience, _LONG_READ)) as tx:
            await tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield tx

    @asynccontextmanager
    async def _transaction(self, patience: float) -> AsyncIterator[Transaction]:
        with _translated():
            connection = await self._living()
            try:
                connection.patience = patience
                async with connection:
                    yield connection
            finally:
                await self._pool.putconn(connection)

    async def _living(self) -> TimedConnection:
        """Take a connection from the pool that answers, within `timeout`."""
        until = time.monotonic() + self._timeout
        while True:
            left = until - time.monotonic()
            connection = await self._pool.getconn(max(0.0, left))
            try:
                connection.patience = left
                await AsyncConnectionPool.check_connection(connection)
            except BaseException as error:
                await self._pool.putconn(connection)
                if not isinstance(error, psycopg.OperationalError):
                    raise
                await self._drop_those_of(connection)
            else:
                return connection

    async def _try_again(self, pool: AsyncConnectionPool[TimedConnection]) -> None:
        """Have the pool try again soon, for those who wait: by itself it does for newcomers only.

        So this comes and goes as one.
        """
        await asyncio.sleep(_TRY_AGAIN_AFTER)
        if self.waiting:
            with suppress(psycopg.OperationalError):
                await pool.putconn(await pool.getconn(_AT_ONCE))

    async def _drop_those_of(self, dead: TimedConnection) -> None:
        """Drop every connection of before: a server that is back has none of them.

        Else each would be found by a request of its own, that waits for it and is refused.
        """
        if dead.made_at > self._drained_at:
            self._drained_at = time.monotonic()
            await self._pool.drain()

    async def _own(self) -> TimedConnection:
        """Open a connection that is not of the pool."""
        own = await TimedConnection.connect(
            self._url, autocommit=True, connect_timeout=2, row_factory=dict_row
        )
        own.patience = self._patience
        return own

    @asynccontextmanager
    async def alone(self, lock: int) -> AsyncIterator[bool]:
        """Be the only one in the database who holds this lock; yields False where another does.

        It is PostgreSQL's advisory lock of a connection of its own: whoever dies lets go of it.
        """
        with _translated():
            async with await self._own() as connection:
                asked = "SELECT pg_try_advisory_lock(%s) AS mine"
                row = await (await connection.execute(asked, (lock,))).fetchone()
                yield row is not None and bool(row["mine"])

    async def listen(self, *channels: str, heartbeat: float) -> AsyncGenerator[None]:
        """Yield at once, then whenever a channel is notified, at the latest every `heartbeat` s.

        Raises StoreUnavailable when the connection is lost.
        """
        with _translated():
            async with await self._own() as connection:
                for channel in channels:
                    await connection.execute(
                        psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel))
                    )
                while True:
                    yield
                    await _wait(connection, heartbeat)


async def _wait(connection: TimedConnection, heartbeat: float) -> None:
    usual = connection.patience
    # Nobody is asked anything here, and silence is what is expected.
    connection.patience = heartbeat + usual
    try:
        async for _ in connection.notifies(timeout=heartbeat, stop_after=1):
            return
    finally:
        connection.patience = usual
    # Nothing came: is the server still there? Silence alone would not say.
    await connection.execute("SELECT 1")


_AWAY = (
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.TransactionTimeout,
    psycopg.errors.ReadOnlySqlTransaction,
)
"""By the driver internal errors: it hung up on us, or is a standby that takes nothing."""


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (
        psycopg.OperationalError,
        psycopg.InterfaceError,
        PoolTimeout,
        TooManyRequests,
        *_AWAY,
    ) as error:
        # The driver's text may hold parameters, so it is not passed on.
        raise connection_lost(error) from None


async def execute(tx: Transaction, statement: str, /, **parameters: Any) -> AsyncCursor[DictRow]:
    """Run the statement of queries/ that has this name."""
    return await tx.execute(SQL[statement], parameters or None)


async def execute_and_sync(
    tx: Transaction, statement: str, /, **parameters: Any
) -> AsyncCursor[DictRow]:
    """Execute, and have the server come to rest, also in the middle of a pipeline."""
    cursor = await execute(tx, statement, **parameters)
    await tx.sync_pipeline()
    return cursor


async def with_lock_retry(tx: Transaction, take: Callable[[], Awaitable[Answer]]) -> Answer:
    """Take a lock that all wait for; once more, where it was not given within `lock_timeout`.

    That is shorter than what a host that vanished can hold it. Who is still there asks again: at
    the beginning of a transaction, where nothing is lost by it.
    """
    at_the_beginning = tx.info.transaction_status is TransactionStatus.IDLE
    try:
        return await take()
    except psycopg.errors.LockNotAvailable:
        if not at_the_beginning:
            raise
        await tx.rollback()
        return await take()


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
