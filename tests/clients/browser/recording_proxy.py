"""An HTTP proxy that records every request of a browser as raw bytes.

Whatever a page sends over HTTP, to any host, arrives here. The proxy's own address stands for the
service: requests to it are forwarded, all others are refused.
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
class RecordingProxy:
    """The settings of a running proxy, and what it has recorded."""

    address: str
    upstream: str = ""
    page: str | None = None
    """HTML to serve at `/` instead of the service's page."""
    drop_responses: int = 0
    """How many of the next API responses to drop after the service has sent them."""
    requests: list[Request] = field(default_factory=list)

    @property
    def foreign_urls(self) -> list[str]:
        """URLs of the requests that were not addressed to the service."""
        return [each.url for each in self.requests if not each.url.startswith(f"{self.address}/")]

    def api_requests(self, method: str) -> list[Request]:
        """Return the recorded requests of one method to the service's API."""
        return [each for each in self.requests if each.method == method and "/v1/" in each.url]


@contextmanager
def run_proxy() -> Iterator[RecordingProxy]:
    """Run a proxy until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    proxy = RecordingProxy(f"http://127.0.0.1:{server.server_port}")
    server.proxy = proxy  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=60)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Do not log."""

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Return the one handler for every HTTP method."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        proxy: RecordingProxy = self.server.proxy  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(self.command, self.path, str(self.headers), body)
        proxy.requests.append(request)
        if not self.path.startswith(f"{proxy.address}/"):
            self._respond(502, {}, b"")
        elif request.path == "/" and proxy.page is not None:
            self._respond(200, {"Content-Type": "text/html; charset=utf-8"}, proxy.page.encode())
        else:
            self._forward(proxy, request)

    def _forward(self, proxy: RecordingProxy, request: Request) -> None:
        up = urlsplit(proxy.upstream)
        connection = http.client.HTTPConnection(up.hostname or "", up.port, timeout=20)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP_BY_HOP}
        connection.request(request.method, request.path, request.body or None, headers)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        if request.path.startswith("/v1/") and proxy.drop_responses > 0:
            proxy.drop_responses -= 1
            self.close_connection = True
            return
        kept = {k: v for k, v in response.headers.items() if k.lower() not in _HOP_BY_HOP}
        self._respond(response.status, kept, body)

    def _respond(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
