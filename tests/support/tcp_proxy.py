"""A TCP proxy between a service and its PostgreSQL, which a test can make fail."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from .waiting import PATIENCE_S

Mode = Literal["forward", "refuse", "blackhole"]


class TcpProxy:
    """Listens on a TCP port of this machine, and forwards to a server's Unix socket.

    `refuse` closes open connections and refuses new ones; `blackhole` keeps and accepts
    connections, but forwards nothing. After either, `forward` is as after a network failure: the
    connections of the black hole stay dead.
    """

    def __init__(self, url: str) -> None:
        """Stand in front of the server of a URL that `EmbeddedPostgres` returned."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        self._socket = Path(query["host"]) / f".s.PGSQL.{query['port']}"
        self._user, self._database = query["user"], urlsplit(url).path.lstrip("/")
        self._port = 0
        self._mode: Mode = "forward"
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._dead: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()

    @property
    def url(self) -> str:
        """The database's URL through this proxy."""
        return f"postgresql://{self._user}@127.0.0.1:{self._port}/{self._database}"

    def set_mode(self, mode: Mode) -> None:
        """Change what happens to connections; it has happened when this returns."""
        changing = asyncio.run_coroutine_threadsafe(self._set_mode(mode), self._loop)
        changing.result(PATIENCE_S)

    @contextmanager
    def running(self) -> Iterator["TcpProxy"]:
        """Forward until the block ends."""
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        self.set_mode("forward")
        try:
            yield self
        finally:
            self.set_mode("refuse")
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(PATIENCE_S)
            self._loop.close()

    async def _set_mode(self, mode: Mode) -> None:
        self._mode = mode
        if mode == "blackhole":
            self._dead |= self._open
        if mode == "refuse":
            if self._server:
                self._server.close()
                self._server = None
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        elif self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            try:
                self._open.add(writer)
                if self._mode == "blackhole":
                    self._dead.add(writer)
                    await asyncio.Event().wait()
                responses, requests = await asyncio.open_unix_connection(self._socket)
                try:
                    await asyncio.gather(
                        self._forward(writer, reader, requests),
                        self._forward(writer, responses, writer),
                    )
                finally:
                    requests.close()
            finally:
                self._open.discard(writer)
                writer.close()

    async def _forward(
        self,
        client: asyncio.StreamWriter,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
    ) -> None:
        while data := await source.read(65_536):
            if client in self._dead:
                await asyncio.Event().wait()
            target.write(data)
            await target.drain()
        if client in self._dead:
            # The end of a dead connection is not forwarded either.
            await asyncio.Event().wait()
        target.close()
