"""A wire between a service and its PostgreSQL that a test can cut, or have swallow everything."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlsplit

Mode = Literal["whole", "cut", "hole"]


class Proxy:
    """Listens on a TCP port of this machine, and passes on to a server's Unix socket.

    `cut` ends what is open and refuses what is new; `hole` keeps and accepts connections, and
    says nothing on any. To be `whole` again is as after a network's failure: the connections
    that were swallowed stay dead.
    """

    def __init__(self, url: str) -> None:
        """Stand before the server of a URL that `EmbeddedPostgres` gave."""
        at = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        self._socket = Path(at["host"]) / f".s.PGSQL.{at['port']}"
        self._user, self._database = at["user"], urlsplit(url).path.lstrip("/")
        self._port = 0
        self._mode: Mode = "whole"
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._dead: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()

    @property
    def url(self) -> str:
        """The database's address, by way of here."""
        return f"postgresql://{self._user}@127.0.0.1:{self._port}/{self._database}"

    def be(self, mode: Mode) -> None:
        """Change what becomes of connections; done when this returns."""
        asyncio.run_coroutine_threadsafe(self._be(mode), self._loop).result(10)

    @contextmanager
    def running(self) -> Iterator["Proxy"]:
        """Pass on until the block ends."""
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        self.be("whole")
        try:
            yield self
        finally:
            self.be("cut")
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(10)
            self._loop.close()

    async def _be(self, mode: Mode) -> None:
        self._mode = mode
        if mode == "hole":
            self._dead |= self._open
        if mode == "cut":
            if self._server:
                self._server.close()
                self._server = None
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        elif self._server is None:
            self._server = await asyncio.start_server(self._accepted, "127.0.0.1", self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            try:
                self._open.add(writer)
                if self._mode == "hole":
                    self._dead.add(writer)
                    await asyncio.Event().wait()
                there, back = await asyncio.open_unix_connection(self._socket)
                try:
                    await asyncio.gather(
                        self._pass(writer, reader, back), self._pass(writer, there, writer)
                    )
                finally:
                    back.close()
            finally:
                self._open.discard(writer)
                writer.close()

    async def _pass(
        self,
        line: asyncio.StreamWriter,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
    ) -> None:
        while data := await source.read(65_536):
            if line in self._dead:
                await asyncio.Event().wait()
            target.write(data)
            await target.drain()
        if line in self._dead:
            # That one side has hung up does not reach the other either.
            await asyncio.Event().wait()
        target.close()
