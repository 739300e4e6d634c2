"""A platform's webhooks: registered, listed, tried out, deleted; what was given up, replayed."""

import secrets
from collections.abc import Sequence
from uuid import UUID

from ..errors import InvalidRequest, WebhookNotFound
from ..models.audit import AuditEvent
from ..models.keys import Key
from ..models.webhooks import FailedMessage, Webhook, WebhookEvent
from ..store import Store, Transaction, audit, webhooks
from .webhook_targets import TargetForbidden, check_form, resolve

MOST = 10
"""Webhooks a platform."""

_SECRET_BYTES = 32
_GIVEN_UP_SHOWN = 100


async def register(
    store: Store, key: Key, url: str, events: Sequence[WebhookEvent], *, private: bool
) -> tuple[Webhook, bytes]:
    """Register a webhook; answer it and its secret, which is shown this once.

    Raises InvalidRequest for a URL that is none, or leads into a private network.
    """
    check_form(url, private=private)
    try:
        await resolve(url, private=private)
    except TargetForbidden as error:
        raise InvalidRequest(f"This cannot be sent to: {error}.", "url") from None
    secret = secrets.token_bytes(_SECRET_BYTES)
    async with store.transaction() as tx:
        if len(await webhooks.read(tx, key.platform_id)) >= MOST:
            raise InvalidRequest(f"A platform has {MOST} webhooks at most; delete one first.")
        ref = await webhooks.insert(tx, key.platform_id, url, secret, events)
        webhook = await _find(tx, key, ref)
        await _record(tx, key, "webhook.registered", ref)
    return webhook, secret


async def listed(store: Store, key: Key) -> list[Webhook]:
    """List the platform's webhooks, oldest first."""
    async with store.transaction() as tx:
        return await webhooks.read(tx, key.platform_id)


async def delete(store: Store, key: Key, ref: UUID) -> None:
    """Delete a webhook, with all that was still to be sent. Raises WebhookNotFound."""
    async with store.transaction() as tx:
        if not await webhooks.delete(tx, key.platform_id, ref):
            raise WebhookNotFound
        await _record(tx, key, "webhook.deleted", ref)


async def test(store: Store, key: Key, ref: UUID) -> UUID:
    """Have a message sent that says nothing; answer its name. Raises WebhookNotFound."""
    async with store.transaction() as tx:
        message = await webhooks.enqueue_test(tx, key.platform_id, ref)
        if message is None:
            raise WebhookNotFound
    return message


async def given_up(store: Store, key: Key, ref: UUID) -> list[FailedMessage]:
    """List messages that were given up, the oldest first. Raises WebhookNotFound."""
    async with store.transaction() as tx:
        webhook = await _find(tx, key, ref)
        return await webhooks.given_up(tx, webhook.id, _GIVEN_UP_SHOWN)


async def replay(store: Store, key: Key, ref: UUID) -> int:
    """Send every message that was given up once more; answer how many. Raises WebhookNotFound."""
    async with store.transaction() as tx:
        webhook = await _find(tx, key, ref)
        count = await webhooks.replay(tx, webhook.id)
        await _record(tx, key, "webhook.replayed", ref)
    return count


async def _find(tx: Transaction, key: Key, ref: UUID) -> Webhook:
    for each in await webhooks.read(tx, key.platform_id):
        if each.ref == ref:
            return each
    raise WebhookNotFound


async def _record(tx: Transaction, key: Key, kind: str, ref: UUID) -> None:
    # Not the URL: it may hold a password of theirs.
    details = {"key": key.id, "webhook": str(ref)}
    await audit.append(tx, AuditEvent(kind, f"platform:{key.platform}", None, details))
