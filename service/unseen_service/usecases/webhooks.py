"""A platform's webhooks: register, list, test, delete; list failed messages and replay them."""

import secrets
from collections.abc import Sequence
from uuid import UUID

from ..errors import InvalidRequest, WebhookNotFound
from ..models.audit import AuditKind
from ..models.keys import Key
from ..models.webhooks import FailedMessage, Webhook, WebhookEvent
from ..store import Store, Transaction, audit, webhooks
from .actors import platform_event
from .webhook_targets import TargetForbidden, check_url, resolve

MAX_WEBHOOKS = 10
"""Webhooks per platform."""

_SECRET_BYTES = 32
_MAX_LISTED = 100


async def register(
    store: Store, key: Key, url: str, events: Sequence[WebhookEvent], *, private: bool
) -> tuple[Webhook, bytes]:
    """Register a webhook. Return it and its secret (32 bytes), which is shown only now.

    `private` allows targets in private networks. Raises InvalidRequest for a URL that is
    malformed or forbidden.
    """
    check_url(url, private=private)
    try:
        await resolve(url, private=private, owner=key.platform_id)
    except TargetForbidden as error:
        raise InvalidRequest(f"Webhooks cannot be sent there: {error}.", "url") from None
    secret = secrets.token_bytes(_SECRET_BYTES)
    async with store.transaction() as tx:
        if len(await webhooks.read(tx, key.platform_id)) >= MAX_WEBHOOKS:
            raise InvalidRequest(
                f"A platform has at most {MAX_WEBHOOKS} webhooks; delete one first."
            )
        ref = await webhooks.insert(tx, key.platform_id, url, secret, events)
        webhook = await _find(tx, key, ref)
        await _record(tx, key, AuditKind.WEBHOOK_REGISTERED, ref)
    return webhook, secret


async def list_webhooks(store: Store, key: Key) -> list[Webhook]:
    """Return the platform's webhooks, oldest first."""
    async with store.transaction() as tx:
        return await webhooks.read(tx, key.platform_id)


async def delete(store: Store, key: Key, ref: UUID) -> None:
    """Delete a webhook and the messages that it has not received. Raises WebhookNotFound."""
    async with store.transaction() as tx:
        if not await webhooks.delete(tx, key.platform_id, ref):
            raise WebhookNotFound
        await _record(tx, key, AuditKind.WEBHOOK_DELETED, ref)


async def send_test(store: Store, key: Key, ref: UUID) -> UUID:
    """Enqueue a message without content. Return its ID. Raises WebhookNotFound, InvalidRequest."""
    async with store.transaction() as tx:
        message = await webhooks.enqueue_test(tx, key.platform_id, ref)
        if message is None:
            await _find(tx, key, ref)
            raise InvalidRequest(
                f"This webhook has {webhooks.MAX_MESSAGES:,} messages that it did not receive. "
                "Correct its receiver, or delete the webhook and register another."
            )
    return message


async def list_failed(store: Store, key: Key, ref: UUID) -> list[FailedMessage]:
    """Return the messages that failed, oldest first. Raises WebhookNotFound."""
    async with store.transaction() as tx:
        webhook = await _find(tx, key, ref)
        return await webhooks.failed(tx, webhook.id, _MAX_LISTED)


async def replay(store: Store, key: Key, ref: UUID) -> int:
    """Send every failed message again. Return how many. Raises WebhookNotFound."""
    async with store.transaction() as tx:
        webhook = await _find(tx, key, ref)
        count = await webhooks.replay(tx, webhook.id)
        await _record(tx, key, AuditKind.WEBHOOK_REPLAYED, ref)
    return count


async def _find(tx: Transaction, key: Key, ref: UUID) -> Webhook:
    for each in await webhooks.read(tx, key.platform_id):
        if each.ref == ref:
            return each
    raise WebhookNotFound


async def _record(tx: Transaction, key: Key, kind: AuditKind, ref: UUID) -> None:
    # Not the URL: it may contain a password.
    await audit.append(tx, platform_event(key, kind, {"webhook": str(ref)}))
