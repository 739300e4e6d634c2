"""One connection to PostgreSQL that does not wait for ever, and is not waited for for ever.

A server that is frozen, or behind a network that swallows what is sent, answers nothing and
refuses nothing. So each wait has an end here. And a client may be cut off while it holds a lock
that everybody needs: so the server is told to give up a session that says nothing.
"""

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import psycopg
from psycopg import AsyncConnection
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq.abc import PGconn
from psycopg.rows import AsyncRowFactory, DictRow, dict_row

from .roles import as_server

Answer = TypeVar("Answer")

_OURS = {
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
"""For what no statement's end reaches: the operating system notices a dead network by itself."""

_THEIRS = {
    # Who waits for nobody's answer inside a transaction is cut off or frozen, and may hold the
    # change log's lock: no other host may wait for it longer than this.
    "idle_in_transaction_session_timeout": "3s",
    # And for less long than that: else another session of the vanished host, which waits for the
    # lock as well, would be given it next, and be given up 3 seconds later.
    "lock_timeout": "2500ms",
    "client_connection_check_interval": "1s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10s",
}
"""What the server is to do with our sessions."""


def conninfo(url: str) -> str:
    """Give the connection string of the service's sessions; what the URL itself says, stands."""
    given = conninfo_to_dict(as_server(url))
    options = " ".join(f"-c {name}={value}" for name, value in _THEIRS.items())
    return make_conninfo("", **{**_OURS, **given, "options": f"{options} {given['options']}"})


class TimedConnection(AsyncConnection[DictRow]):
    """A connection that is cut where the server says nothing for `patience` seconds."""

    patience = 5.0

    def __init__(self, pgconn: PGconn, row_factory: AsyncRowFactory[DictRow] = dict_row) -> None:
        super().__init__(pgconn, row_factory)
        self.made_at = time.monotonic()

    async def wait(
        self,
        gen: PQGen[Answer],
        interval: float = 0.1,
        timeout: float | None = None,  # noqa: ASYNC109 - the driver's own signature
    ) -> Answer:
        """Wait for an answer: every statement, block of rows and commit comes this way."""
        with self._cut_after(self.patience):
            return await super().wait(gen, interval, timeout)

    async def sync_pipeline(self) -> None:
        """In a pipeline, send what there is and have the server know that it waits for us.

        In the midst of one it only reads, for as long as nothing comes: it gives up who leaves it
        idle in a transaction, and not who vanishes while it reads. At the end of one the driver
        says something more, which has it read as well: so commit before that.
        """
        if self._pipeline:
            await self._pipeline.sync()

    @contextmanager
    def _cut_after(self, seconds: float) -> Iterator[None]:
        timer = asyncio.get_running_loop().call_later(seconds, self._cut)
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self) -> None:
        """Hang up below the driver, so that the wait fails at once as when the server ends it.

        To cancel instead would ask the server for its leave, and wait again.
        """
        with (
            suppress(OSError, psycopg.OperationalError),
            socket.socket(fileno=os.dup(self.fileno())) as line,
        ):
            line.shutdown(socket.SHUT_RDWR)
