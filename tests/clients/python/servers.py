"""A small real HTTP server whose responses the test sets: drops, delays, problems."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CASE: dict[str, Any] = {
    "case": "UN-7K4M-9QTX",
    "status": "active",
    "submitted_at": "2026-11-22T13:40:00Z",
    "withdrawn_at": None,
    "images": [{"image": 1, "status": "active", "hashes": 8, "matches": 0, "new_field": 1}],
    "platforms": [],
    "another_new_field": {},
}


@dataclass(frozen=True)
class Act:
    """What to do with one request: respond, after a delay, or drop the connection."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: bool = False


@dataclass(frozen=True)
class Seen:
    """A request that arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: tuple[str, int]


@dataclass
class Scripted:
    """The server's address, what it will do next, and the requests that arrived."""

    url: str
    acts: list[Act] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)


@contextlib.contextmanager
def scripted(*acts: Act) -> Iterator[Scripted]:
    """Serve these acts, one per request; the last is repeated."""
    script = Scripted("", list(acts))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            script.seen.append(Seen(self.command, self.path, headers, body, self.client_address))
            act = script.acts.pop(0) if len(script.acts) > 1 else script.acts[0]
            time.sleep(act.delay)
            if act.drop:
                self.close_connection = True
                return
            content = act.body if isinstance(act.body, bytes) else json.dumps(act.body).encode()
            self.send_response(act.status)
            for name, value in act.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with contextlib.suppress(BrokenPipeError):
                self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - named by http.server

        def log_message(self, *message: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    script.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def problem(status: int, slug: str, detail: str, **more: Any) -> Act:
    """Return an act that responds with a problem."""
    headers = more.pop("headers", {})
    body = {"type": f"urn:unseen:problem:{slug}", "title": slug, "detail": detail, **more}
    body["status"] = status
    return Act(status, body, {"Content-Type": "application/problem+json", **headers})
