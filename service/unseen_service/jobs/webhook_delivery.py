"""Sends the messages of the outbox, signed as Standard Webhooks specifies, at least once.

Workers sleep until they are notified of a message, or until the next retry is due. A worker
claims messages for a while, sends them outside any transaction, and deletes those that were
delivered. If it dies in between, another worker sends them. The scheme's specification is at
standardwebhooks.com.
"""

import asyncio
import base64
import hashlib
import hmac
import ssl
from contextlib import aclosing
from functools import cache
from urllib.parse import urlsplit, urlunsplit

import httpx

from ..live.clock import Clock
from ..models.webhooks import OutgoingMessage
from ..store import Store, webhooks
from ..usecases.webhook_targets import Target, TargetForbidden, resolve
from .periodic import run_every

RETRY_AFTER = (5, 60, 300, 1_800, 7_200, 18_000, 36_000, 36_000)
"""Seconds from each failed attempt to the next; after the last, a message has failed."""

_PAUSE_S = 1.0
_MAX_SLEEP_S = 60.0
_MIN_SLEEP_S = 0.2
_BATCH = 20
_TIMEOUT_S = 10.0
_CLAIM_S = 60


class WebhookDelivery:
    """Sends messages as long as the worker lives; `private` allows targets in private networks.

    Messages carry the clock's time: a clock that is off would make every receiver reject them.
    """

    def __init__(self, store: Store, clock: Clock, *, private: bool) -> None:
        self._store = store
        self._clock = clock
        self._private = private
        self._has_messages = asyncio.Event()

    async def run(self) -> None:
        """Send until cancelled."""
        # No proxy and no netrc: the request goes to the very address that was checked.
        trusted = _trusted()
        async with httpx.AsyncClient(verify=trusted, trust_env=False, timeout=_TIMEOUT_S) as client:
            await asyncio.gather(
                run_every("listening for webhook messages", _PAUSE_S, self._listen),
                run_every(
                    "sending webhooks",
                    _PAUSE_S,
                    lambda: self._send_due(client),
                    wake=self._has_messages,
                ),
            )

    async def _listen(self) -> None:
        """Wake the sender whenever there is a message, until the connection is lost."""
        wakes = self._store.listen(webhooks.CHANNEL, heartbeat=_MAX_SLEEP_S)
        async with aclosing(wakes):
            async for _ in wakes:
                self._has_messages.set()

    async def _send_due(self, client: httpx.AsyncClient) -> float:
        """Send a batch of due messages. Return the seconds until there may be more."""
        async with self._store.transaction() as tx:
            messages = await webhooks.claim(tx, _BATCH, _CLAIM_S)
        await asyncio.gather(*(self._deliver(client, each) for each in messages))
        return 0.0 if messages else await self._seconds_until_next()

    async def _seconds_until_next(self) -> float:
        """Return how long to sleep: until a retry, or a message another worker claimed, is due."""
        async with self._store.transaction() as tx:
            seconds = await webhooks.next_due(tx)
        if seconds is None:
            return _MAX_SLEEP_S
        return min(max(seconds, _MIN_SLEEP_S), _MAX_SLEEP_S)

    async def _deliver(self, client: httpx.AsyncClient, message: OutgoingMessage) -> None:
        failure = await self._send(client, message)
        async with self._store.transaction() as tx:
            if failure is None:
                await webhooks.record_delivered(tx, message.id)
                return
            retries = message.attempts - 1
            retry_after = RETRY_AFTER[retries] if retries < len(RETRY_AFTER) else None
            await webhooks.record_failure(tx, message.id, failure, retry_after)

    async def _send(self, client: httpx.AsyncClient, message: OutgoingMessage) -> str | None:
        """Send a message. Return why it was not delivered, or None if it was."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                target = await resolve(message.url, private=self._private)
                second = int(self._clock.now().timestamp())
                request = _request(client, target, message, second)
                # The response's body is not read, and a redirect not followed.
                response = await client.send(request, stream=True)
                await response.aclose()
        except TargetForbidden as error:
            return str(error)
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            return f"no answer: {type(error).__name__}"
        return None if response.is_success else f"answered {response.status_code}"


def sign(secret: bytes, message: str, second: int, body: bytes) -> str:
    """Return a message's signature: `v1,` and base64 of HMAC-SHA256 over its ID, time and body."""
    content = f"{message}.{second}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode()


def _request(
    client: httpx.AsyncClient, target: Target, message: OutgoingMessage, second: int
) -> httpx.Request:
    """Return a request to the address itself; the certificate must be the host's nevertheless."""
    parts = urlsplit(target.url)
    address = f"[{target.address}]" if ":" in target.address else target.address
    port = f":{parts.port}" if parts.port else ""
    body, name = message.body.encode(), f"msg_{message.ref.hex}"
    return client.build_request(
        "POST",
        urlunsplit((parts.scheme, address + port, parts.path or "/", parts.query, "")),
        content=body,
        headers={
            "Host": parts.netloc,
            "Content-Type": "application/json",
            "User-Agent": "Unseen",
            "webhook-id": name,
            "webhook-timestamp": str(second),
            "webhook-signature": sign(message.secret, name, second, body),
        },
        extensions={"sni_hostname": target.host},
    )


@cache
def _trusted() -> ssl.SSLContext:
    """Load the trusted certificates, once per process: it takes 30 ms."""
    return httpx.create_ssl_context(trust_env=False)
