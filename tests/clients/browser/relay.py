"""A relay that the browser's every request passes, kept as raw bytes.

It is the browser's proxy, for its own address too: what a page could send out over HTTP, to
whatever host, arrives here. What is meant for the service is handed on; the rest is refused.
"""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "content-length",
}


@dataclass(frozen=True)
class Request:
    """One request as the browser sent it."""

    method: str
    url: str
    headers: str
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def raw(self) -> bytes:
        return f"{self.method} {self.url}\r\n{self.headers}\r\n".encode() + self.body


@dataclass
class Relay:
    """What is served where, and what went through."""

    address: str
    upstream: str = ""
    page: str | None = None
    """A page to serve at the root in place of the service's own."""
    lose_answers: int = 0
    """How many answers of the service are still to be lost on the way back."""
    requests: list[Request] = field(default_factory=list)

    @property
    def outsiders(self) -> list[str]:
        """The URLs of the requests that were not meant for the service."""
        return [one.url for one in self.requests if not one.url.startswith(f"{self.address}/")]

    def calls(self, method: str) -> list[Request]:
        """The requests of one method that were meant for the service's API."""
        return [one for one in self.requests if one.method == method and "/v1/" in one.url]


@contextmanager
def relaying() -> Iterator[Relay]:
    """Run a relay until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    relay = Relay(f"http://127.0.0.1:{server.server_port}")
    server.relay = relay  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Serve every method alike."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        relay: Relay = self.server.relay  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(self.command, self.path, str(self.headers), body)
        relay.requests.append(request)
        if not self.path.startswith(f"{relay.address}/"):
            self._answer(502, {}, b"")
        elif request.path == "/" and relay.page is not None:
            self._answer(200, {"Content-Type": "text/html; charset=utf-8"}, relay.page.encode())
        else:
            self._hand_on(relay, request)

    def _hand_on(self, relay: Relay, request: Request) -> None:
        up = urlsplit(relay.upstream)
        connection = http.client.HTTPConnection(up.hostname or "", up.port, timeout=20)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP_BY_HOP}
        connection.request(request.method, request.path, request.body or None, headers)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        if request.path.startswith("/v1/") and relay.lose_answers > 0:
            relay.lose_answers -= 1
            self.close_connection = True
            return
        kept = {k: v for k, v in response.headers.items() if k.lower() not in _HOP_BY_HOP}
        self._answer(response.status, kept, body)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
