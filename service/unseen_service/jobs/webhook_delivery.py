"""Sends what is in the outbox, signed to the Standard Webhooks scheme, at least once.

Workers sleep until they are notified of a message, or until the next one is to be tried again. A
worker takes messages in hand for a while, sends them outside of any transaction, and strikes
those that arrived. One that dies in between leaves them to the next. The scheme's specification
is at standardwebhooks.com.
"""

import asyncio
import base64
import hashlib
import hmac
import logging
import ssl
from contextlib import aclosing, suppress
from functools import cache
from urllib.parse import urlsplit, urlunsplit

import httpx

from ..errors import StoreUnavailable
from ..live.clock import Clock
from ..models.webhooks import OutgoingMessage
from ..store import Store, webhooks
from ..usecases.webhook_targets import Target, TargetForbidden, resolve

AGAIN_AFTER = (5, 60, 300, 1_800, 7_200, 18_000, 36_000, 36_000)
"""Seconds from each failed attempt to the next; after the last, a message is given up."""

_PAUSE = 1.0
_LONGEST_SLEEP = 60.0
_SHORTEST_SLEEP = 0.2
_AT_ONCE = 20
_TIMEOUT = 10.0
_IN_HAND = 60

logger = logging.getLogger(__name__)


class Delivery:
    """Sends messages for as long as the worker lives; `private` lets any address pass.

    They are of the time that a clock says: one that is off would have every receiver refuse them.
    """

    def __init__(self, store: Store, clock: Clock, *, private: bool) -> None:
        self._store = store
        self._clock = clock
        self._private = private
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Send until cancelled."""
        await asyncio.gather(self._listen(), self._send_all())

    async def _listen(self) -> None:
        """Wake the one who sends whenever there is something to send."""
        while True:
            with suppress(StoreUnavailable):
                wakes = self._store.listen(webhooks.CHANNEL, heartbeat=_LONGEST_SLEEP)
                async with aclosing(wakes):
                    async for _ in wakes:
                        self._woken.set()
            await asyncio.sleep(_PAUSE)

    async def _send_all(self) -> None:
        # No proxy and no netrc of the environment: the address that was checked is asked.
        trusted = _trusted()
        async with httpx.AsyncClient(verify=trusted, trust_env=False, timeout=_TIMEOUT) as client:
            while True:
                self._woken.clear()
                try:
                    pause = 0.0 if await self._round(client) else await self._until_the_next()
                except StoreUnavailable:
                    pause = _PAUSE
                except Exception as error:  # noqa: BLE001 - the task must live
                    # Its kind only: the text may hold a URL that holds a password.
                    logger.warning("sending webhooks failed: %s", type(error).__name__)
                    pause = _PAUSE
                if pause:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._woken.wait(), pause)

    async def _until_the_next(self) -> float:
        """Say how long to sleep: until what failed, or what another has in hand, is due."""
        async with self._store.transaction() as tx:
            seconds = await webhooks.next_due(tx)
        if seconds is None:
            return _LONGEST_SLEEP
        return min(max(seconds, _SHORTEST_SLEEP), _LONGEST_SLEEP)

    async def _round(self, client: httpx.AsyncClient) -> int:
        async with self._store.transaction() as tx:
            messages = await webhooks.claim(tx, _AT_ONCE, _IN_HAND)
        await asyncio.gather(*(self._deliver(client, each) for each in messages))
        return len(messages)

    async def _deliver(self, client: httpx.AsyncClient, message: OutgoingMessage) -> None:
        failure = await self._send(client, message)
        async with self._store.transaction() as tx:
            if failure is None:
                await webhooks.delivered(tx, message.id)
                return
            tried = message.attempts - 1
            again = AGAIN_AFTER[tried] if tried < len(AGAIN_AFTER) else None
            await webhooks.failed(tx, message.id, failure, again)

    async def _send(self, client: httpx.AsyncClient, message: OutgoingMessage) -> str | None:
        """Send a message; answer why it did not arrive, or None."""
        try:
            async with asyncio.timeout(_TIMEOUT):
                target = await resolve(message.url, private=self._private)
                second = int(self._clock.now().timestamp())
                request = _request(client, target, message, second)
                # The answer's body is theirs: it is not read, and a redirect not followed.
                answer = await client.send(request, stream=True)
                await answer.aclose()
        except TargetForbidden as error:
            return str(error)
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            return f"no answer: {type(error).__name__}"
        return None if answer.is_success else f"answered {answer.status_code}"


def sign(secret: bytes, message: str, second: int, body: bytes) -> str:
    """Sign a message: `v1,` and the base64 of HMAC-SHA256 over its id, the time and the body."""
    content = f"{message}.{second}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode()


def _request(
    client: httpx.AsyncClient, target: Target, message: OutgoingMessage, second: int
) -> httpx.Request:
    """Write a request to the address itself; the certificate must be the host's all the same."""
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
    """Read the certificates that are trusted, once a process: it takes 30 ms."""
    return httpx.create_ssl_context(trust_env=False)
