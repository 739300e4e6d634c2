"""A platform's endpoint for webhooks."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx


class WebhookReceiver:
    """An HTTP server that keeps what it receives, and responds with the status in `answer`."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.answer = 204
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.received.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(receiver.answer)
                if receiver.answer == 302:
                    self.send_header("location", f"{receiver.url}/elsewhere")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook?a=b"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()

    def bodies(self) -> list[dict[str, Any]]:
        """Return the JSON bodies received so far."""
        return [json.loads(body) for _, body in self.received]


def register_webhook(platform: httpx.Client, url: str, *events: str) -> tuple[str, bytes]:
    """Register a webhook, for all events by default; return its ID and its secret."""
    body = {"url": url, **({"events": list(events)} if events else {})}
    answer = platform.post("/v1/webhooks", json=body)
    assert answer.status_code == 201, answer.text
    registered = answer.json()
    secret = registered["secret"]
    assert secret.startswith("whsec_")
    return registered["webhook"]["webhook"], base64.b64decode(secret.removeprefix("whsec_"))
