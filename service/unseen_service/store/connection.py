"""A connection to PostgreSQL that neither waits for ever nor lets others wait for it.

A server that is frozen, or behind a network that drops packets, neither answers nor refuses. So
every wait has an end here. And a client may be cut off while it holds a lock that every other
needs: so the server is told to end a session that is silent.
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

from ..encryption import KeyFile
from . import session_settings
from .session_names import named

Answer = TypeVar("Answer")

_CLIENT_OPTIONS = {
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
"""For waits that no statement timeout covers: the operating system notices a dead network."""


def conninfo(url: str) -> str:
    """Return the connection string of the service's sessions; what the URL sets has priority."""
    return make_conninfo("", **{**_CLIENT_OPTIONS, **conninfo_to_dict(named(url))})


class TimedConnection(AsyncConnection[DictRow]):
    """A connection that is cut when the server is silent for `patience` seconds."""

    patience = 5.0
    key_file: KeyFile | None = None
    """The keys that the hashes in the database are sealed with."""

    def __init__(self, pgconn: PGconn, row_factory: AsyncRowFactory[DictRow] = dict_row) -> None:
        super().__init__(pgconn, row_factory)
        self.made_at = time.monotonic()

    async def set_up(self, settings: session_settings.Parameters) -> None:
        """Set the settings of a new session. Outside of autocommit, commit."""
        await self.execute(session_settings.SET, settings)
        if not self.autocommit:
            await self.commit()

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
        """In a pipeline, send what is pending and let the server know that it waits for us.

        In the middle of a pipeline a server only reads, for as long as nothing arrives: it ends a
        session that is idle in a transaction, but not one that vanished while it reads. After the
        last statement the driver sends one more message, which makes the server read again: so
        commit before that.
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
        """Shut the socket down below the driver, so that the wait fails at once.

        To cancel the statement instead would mean to ask the server, and wait again.
        """
        with (
            suppress(OSError, psycopg.OperationalError),
            socket.socket(fileno=os.dup(self.fileno())) as connection,
        ):
            connection.shutdown(socket.SHUT_RDWR)
