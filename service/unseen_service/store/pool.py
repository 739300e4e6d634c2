"""The pool of connections to PostgreSQL: transactions, snapshots, locks, notifications.

Driver errors are translated here, once: above this module there are only StoreUnavailable and
Busy.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from ..encryption import KeyFile
from . import session_settings
from .connection import TimedConnection, conninfo
from .diagnose import connection_lost, why_unavailable
from .statements import Transaction
from .write_failures import WriteFailures

_LONG_READ_S = 60.0
"""The least timeout, in seconds, of a statement in a snapshot."""

_RECONNECT_PAUSE_S = 0.2
_AT_ONCE_S = 0.01


class Store:
    """PostgreSQL, through a pool that reconnects after an outage.

    Every connection is in the serving role, which cannot rewrite the audit log; or, if not
    `in_role`, has the rights of the user in the URL, for the few commands that alter tables.
    `timeout` is how long to wait for a connection, `patience` how long for the answer to a
    statement, in seconds: a server may accept connections and not respond. `key_file` has the keys
    of hashes: needed where hashes are read or stored, if the database is encrypted.
    """

    def __init__(
        self,
        url: str,
        *,
        key_file: KeyFile | None = None,
        in_role: bool = True,
        pool_size: int = 8,
        timeout: float = 2.0,
        patience: float = 5.0,
    ) -> None:
        self._url = conninfo(url)
        self._settings = session_settings.serving(url, in_role=in_role)
        self._key_file = key_file
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
            configure=self._set_up,
            reconnect_timeout=0,
            reconnect_failed=self._reconnect,
        )
        self._drained_at = 0.0
        self.write_failures = WriteFailures()

    async def open(self) -> None:
        """Start the pool, which connects in the background, however long that takes."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    @property
    def waiting(self) -> int:
        """The number of requests that wait for a connection."""
        return self._pool.get_stats().get("requests_waiting", 0)

    async def why_unavailable(self) -> str | None:
        """Open one more connection. Return why PostgreSQL is unavailable, or None if it is not."""
        return await asyncio.to_thread(why_unavailable, self._url, self._settings)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Yield a transaction: committed at the end of the block, rolled back if it raises.

        Raises StoreUnavailable if PostgreSQL is, or becomes, unavailable.
        """
        async with self._transaction(self._patience) as connection:
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Transaction]:
        """Yield a read-only transaction in which every statement sees the same moment.

        Its statements may take a minute each.
        """
        async with self._transaction(max(self._patience, _LONG_READ_S)) as tx:
            await tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield tx

    @asynccontextmanager
    async def _transaction(self, patience: float) -> AsyncIterator[Transaction]:
        with _translated(self.write_failures):
            connection = await self._connection()
            try:
                connection.patience, connection.key_file = patience, self._key_file
                async with connection:
                    yield connection
            finally:
                await self._pool.putconn(connection)

    async def _connection(self) -> TimedConnection:
        """Return a connection of the pool that responds, within `timeout`."""
        deadline = time.monotonic() + self._timeout
        while True:
            remaining = deadline - time.monotonic()
            connection = await self._pool.getconn(max(0.0, remaining))
            try:
                connection.patience = remaining
                await AsyncConnectionPool.check_connection(connection)
            except BaseException as error:
                await self._pool.putconn(connection)
                if not isinstance(error, psycopg.OperationalError):
                    raise
                await self._drain_older(connection)
            else:
                return connection

    async def _reconnect(self, pool: AsyncConnectionPool[TimedConnection]) -> None:
        """Make the pool reconnect for requests that wait: by itself it does so for new ones only.

        So this borrows a connection as a new request would, and returns it.
        """
        await asyncio.sleep(_RECONNECT_PAUSE_S)
        if self.waiting:
            with suppress(psycopg.OperationalError):
                await pool.putconn(await pool.getconn(_AT_ONCE_S))

    async def _drain_older(self, dead: TimedConnection) -> None:
        """Drop every connection from before the outage: the server no longer has them.

        Otherwise each would be found dead by a request of its own, which waits for it and fails.
        """
        if dead.made_at > self._drained_at:
            self._drained_at = time.monotonic()
            await self._pool.drain()

    async def _set_up(self, connection: TimedConnection) -> None:
        await connection.set_up(self._settings)

    async def _dedicated(self) -> TimedConnection:
        """Open a connection outside the pool."""
        own = await TimedConnection.connect(
            self._url, autocommit=True, connect_timeout=2, row_factory=dict_row
        )
        own.patience = self._patience
        try:
            await own.set_up(self._settings)
        except BaseException:
            await own.close()
            raise
        return own

    @asynccontextmanager
    async def exclusive(self, lock: int) -> AsyncIterator[bool]:
        """Hold an advisory lock during the block; yield False if another process holds it.

        The lock belongs to a connection of its own, so it is released if the process dies.
        """
        with _translated():
            async with await self._dedicated() as connection:
                asked = "SELECT pg_try_advisory_lock(%s) AS mine"
                row = await (await connection.execute(asked, (lock,))).fetchone()
                yield row is not None and bool(row["mine"])

    async def listen(self, *channels: str, heartbeat: float) -> AsyncGenerator[None]:
        """Yield at once, then on every notification, and at least every `heartbeat` seconds.

        Raises StoreUnavailable if the connection is lost.
        """
        with _translated():
            async with await self._dedicated() as connection:
                for channel in channels:
                    await connection.execute(
                        psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel))
                    )
                while True:
                    yield
                    await _wait(connection, heartbeat)


async def _wait(connection: TimedConnection, heartbeat: float) -> None:
    usual = connection.patience
    # Silence is expected here: nothing was asked.
    connection.patience = heartbeat + usual
    try:
        async for _ in connection.notifies(timeout=heartbeat, stop_after=1):
            return
    finally:
        connection.patience = usual
    # Nothing came. Silence does not tell whether the server is still there.
    await connection.execute("SELECT 1")


_UNAVAILABLE = (
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.TransactionTimeout,
    psycopg.errors.ReadOnlySqlTransaction,
)
"""Internal errors to the driver: the server ended the session, or is a standby."""


@contextmanager
def _translated(failures: WriteFailures | None = None) -> Iterator[None]:
    try:
        yield
    except (
        psycopg.OperationalError,
        psycopg.InterfaceError,
        PoolTimeout,
        TooManyRequests,
        *_UNAVAILABLE,
    ) as error:
        if failures:
            failures.note(error)
        # The driver's text may contain parameters, so it is not passed on.
        raise connection_lost(error) from None
