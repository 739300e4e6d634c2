"""Sends the messages of the outbox, signed as Standard Webhooks specifies, at least once.

Workers sleep until they are notified of a message, or until the next retry is due. A worker
claims messages for a while, sends them outside any transaction, and deletes those that were
delivered. If it dies in between, another worker sends them. The scheme's specification is at
standardwebhooks.com.
"""

import asyncio
import logging
import ssl
from contextlib import aclosing
from functools import cache
from urllib.parse import urlsplit, urlunsplit

import httpx

from .. import metrics
from ..errors import StoreUnavailable
from ..live.clock import Clock
from ..models.webhooks import OutgoingMessage
from ..store import Store, webhooks
from ..usecases.standard_webhooks import headers
from ..usecases.webhook_targets import Target, TargetForbidden, resolve
from .periodic import run_every

RETRY_AFTER = (5, 60, 300, 1_800, 7_200, 18_000, 36_000, 36_000)
"""Seconds from each failed attempt to the next; after the last, a message has failed."""

_PAUSE_S = 1.0
_MAX_SLEEP_S = 60.0
_MIN_SLEEP_S = 0.2
_TIMEOUT_S = 10.0
_CLAIM_S = 60

logger = logging.getLogger(__name__)


class WebhookDelivery:
    """Sends messages as long as the worker lives; `private` allows targets in private networks.

    No receiver waits for another: each webhook and each platform has its own number of messages in
    flight, and there is no common limit. A webhook that fails again and again is paused.
    Messages carry the clock's time: a clock that is off would make every receiver reject them.
    """

    def __init__(self, store: Store, clock: Clock, *, private: bool) -> None:
        self._store = store
        self._clock = clock
        self._private = private
        self._has_messages = asyncio.Event()
        self._in_flight: dict[asyncio.Task[None], int] = {}

    async def run(self) -> None:
        """Send until cancelled."""
        # No proxy and no netrc: the request goes to the very address that was checked. No limit of
        # connections: it would be one that all platforms share.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        async with httpx.AsyncClient(
            verify=_trusted(), trust_env=False, timeout=_TIMEOUT_S, limits=limits
        ) as client:
            try:
                await asyncio.gather(
                    run_every("listening for webhook messages", _PAUSE_S, self._listen),
                    run_every(
                        "sending webhooks",
                        _PAUSE_S,
                        lambda: self._send_due(client),
                        wake=self._has_messages,
                    ),
                )
            finally:
                for task in self._in_flight:
                    task.cancel()

    async def _listen(self) -> None:
        """Wake the sender whenever there is a message, until the connection is lost."""
        wakes = self._store.listen(webhooks.CHANNEL, heartbeat=_MAX_SLEEP_S)
        async with aclosing(wakes):
            async for _ in wakes:
                self._has_messages.set()

    async def _send_due(self, client: httpx.AsyncClient) -> float:
        """Begin to send due messages. Return the seconds until there may be more."""
        in_flight = list(self._in_flight.values())
        async with self._store.transaction() as tx:
            messages = await webhooks.claim(tx, in_flight, _CLAIM_S)
        for message in messages:
            task = asyncio.create_task(self._deliver(client, message))
            self._in_flight[task] = message.webhook_id
            task.add_done_callback(self._has_ended)
        return 0.0 if messages else await self._seconds_until_next(in_flight)

    def _has_ended(self, task: asyncio.Task[None]) -> None:
        """Let another message take the place of one that was answered."""
        del self._in_flight[task]
        self._has_messages.set()
        # Without PostgreSQL, the message is sent again when its claim has ended.
        error = None if task.cancelled() else task.exception()
        if error and not isinstance(error, StoreUnavailable):
            logger.error("recording the delivery of a webhook message failed", exc_info=error)

    async def _seconds_until_next(self, in_flight: list[int]) -> float:
        """Return how long to sleep: until a retry, or a message another worker claimed, is due."""
        async with self._store.transaction() as tx:
            seconds, paused = await webhooks.next_due(tx, in_flight)
        metrics.WEBHOOKS_PAUSED.set(paused)
        if seconds is None:
            return _MAX_SLEEP_S
        return min(max(seconds, _MIN_SLEEP_S), _MAX_SLEEP_S)

    async def _deliver(self, client: httpx.AsyncClient, message: OutgoingMessage) -> None:
        result, failure = await self._send(client, message)
        metrics.WEBHOOK_ATTEMPTS.labels(result).inc()
        async with self._store.transaction() as tx:
            if failure is None:
                await webhooks.record_delivered(tx, message.id)
                return
            state = await webhooks.record_failure(tx, message, failure, RETRY_AFTER)
        if state and state.failures == webhooks.FAILURES_BEFORE_PAUSE:
            # Not the URL: it may contain a password.
            logger.warning(
                "webhook %s failed %d times in a row (%s); it is paused, first for %.0f s",
                state.ref,
                state.failures,
                result,
                state.pause_s or 0.0,
            )

    async def _send(
        self, client: httpx.AsyncClient, message: OutgoingMessage
    ) -> tuple[str, str | None]:
        """Send a message. Return the result for the metrics, and why it was not delivered."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                target = await resolve(
                    message.url, private=self._private, owner=message.platform_id
                )
                second = int(self._clock.now().timestamp())
                request = _request(client, target, message, second)
                # The response's body is not read, and a redirect not followed.
                response = await client.send(request, stream=True)
                await response.aclose()
        except TargetForbidden as error:
            return "forbidden", str(error)
        except (TimeoutError, httpx.TimeoutException) as error:
            return "hanging", f"no answer: {type(error).__name__}"
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            return "no-answer", f"no answer: {type(error).__name__}"
        if response.is_success:
            return "delivered", None
        return "refused", f"answered {response.status_code}"


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
        headers={"Host": parts.netloc, **headers(message.secret, name, second, body)},
        extensions={"sni_hostname": target.host},
    )


@cache
def _trusted() -> ssl.SSLContext:
    """Load the trusted certificates, once per process: it takes 30 ms."""
    return httpx.create_ssl_context(trust_env=False)
