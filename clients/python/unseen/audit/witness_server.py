"""The HTTP of a witness: one short request per connection, and few connections at once."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from .witness import MAX_BODY_BYTES, Reply, Witness

_MAX_CONNECTIONS: Final = 32


class WitnessServer(ThreadingHTTPServer):
    """Serves a witness on an address until it is shut down.

    A connection is closed after `seconds`, whatever arrives on it.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self, address: tuple[str, int], witness: Witness, *, seconds: float = 15.0
    ) -> None:
        self.witness = witness
        self.seconds = seconds
        self._free = threading.BoundedSemaphore(_MAX_CONNECTIONS)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle a connection in a thread, or close it if there are too many."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Handle a connection, for a limited time."""
        timer = threading.Timer(self.seconds, _cut, [request])
        timer.daemon = True
        timer.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            timer.cancel()
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log nothing: a connection that breaks is no event."""


class _Handler(BaseHTTPRequestHandler):
    server: WitnessServer
    server_version, sys_version = "unseen-witness", ""

    def do_POST(self) -> None:
        if self.path.rstrip("/").rpartition("/")[2] != "add-checkpoint":
            self._answer(Reply(404, "A witness has no such page.\n"))
            return
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and len(length) < 10):
            self._answer(Reply(411, "The request needs a Content-Length.\n"))
        elif int(length) > MAX_BODY_BYTES:
            self._answer(Reply(413, "The request is too large.\n"))
        elif len(body := self.rfile.read(int(length))) == int(length):
            self._answer(self.server.witness.add_checkpoint(body, int(time.time())))

    def _answer(self, reply: Reply) -> None:
        content = reply.text.encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.media_type)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing: no address is kept."""


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def serve(server: WitnessServer, started: Callable[[], None]) -> None:
    """Serve until interrupted; `started` is called once it listens."""
    with server:
        started()
        with suppress(KeyboardInterrupt):
            server.serve_forever()
