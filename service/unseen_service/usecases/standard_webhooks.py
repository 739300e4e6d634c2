"""Signatures of webhooks, as Standard Webhooks specifies: standardwebhooks.com."""

import base64
import hashlib
import hmac


def sign(secret: bytes, message: str, second: int, body: bytes) -> str:
    """Return a message's signature: `v1,` and base64 of HMAC-SHA256 over its ID, time and body."""
    content = f"{message}.{second}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode()


def headers(secret: bytes, message: str, second: int, body: bytes) -> dict[str, str]:
    """Return the headers of a signed JSON message."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "Unseen",
        "webhook-id": message,
        "webhook-timestamp": str(second),
        "webhook-signature": sign(secret, message, second, body),
    }
