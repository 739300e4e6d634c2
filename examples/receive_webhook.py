"""Receive webhooks and verify their signature, with the standard library only.

Run it behind a reverse proxy that terminates TLS: `receive_webhook.py PORT`.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

if len(sys.argv) != 2 or "UNSEEN_WEBHOOK_SECRET" not in os.environ:
    sys.exit("usage: receive_webhook.py PORT, with UNSEEN_WEBHOOK_SECRET set")

KEY = base64.b64decode(os.environ["UNSEEN_WEBHOOK_SECRET"].removeprefix("whsec_"))
MAX_BODY, MAX_AGE_S = 1 << 20, 300


def is_genuine(headers: Message, body: bytes) -> bool:
    """Verify the signature and the age of a message (standardwebhooks.com)."""
    stamp = headers.get("webhook-timestamp", "")
    signed = f"{headers.get('webhook-id')}.{stamp}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256))
    signatures = headers.get("webhook-signature", "").encode().split()
    is_recent = stamp.isdecimal() and abs(time.time() - int(stamp)) <= MAX_AGE_S
    return is_recent and any(hmac.compare_digest(expected, each) for each in signatures)


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to genuine messages, 401 to all others."""

    def do_POST(self) -> None:
        """Handle a message. It may come twice, so processing it twice must do no harm."""
        body = self.rfile.read(min(int(self.headers.get("content-length", 0)), MAX_BODY))
        genuine = is_genuine(self.headers, body)
        self.send_response(204 if genuine else 401)
        self.end_headers()
        if genuine:
            message = json.loads(body)
            for each in message["data"]["records"]:
                print(message["type"], each["record"], each["standing"], flush=True)


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
