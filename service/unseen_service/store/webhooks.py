"""Webhooks and their outbox: register, enqueue, claim, record delivery or failure, replay."""

from collections.abc import Sequence
from uuid import UUID

from ..models.changes import ChangeKind
from ..models.webhooks import FailedMessage, OutgoingMessage, Webhook, WebhookEvent
from .statements import Transaction, execute, fetch_all, fetch_rows, fetch_value, notify

CHANNEL = "unseen_webhooks"
"""Notified whenever there is a message to send."""

_EVENTS = {
    ChangeKind.ADD: WebhookEvent.ADDED,
    ChangeKind.REMOVE: WebhookEvent.WITHDRAWN,
    ChangeKind.STANDING: WebhookEvent.STANDING,
}


async def insert(
    tx: Transaction, platform_id: int, url: str, secret: bytes, events: Sequence[WebhookEvent]
) -> UUID:
    """Insert a webhook. Return its public ID."""
    ref: UUID = await fetch_value(
        tx,
        "insert_webhook",
        platform_id=platform_id,
        url=url,
        secret=secret,
        events=sorted(event.value for event in events),
    )
    return ref


async def read(tx: Transaction, platform_id: int) -> list[Webhook]:
    """Return a platform's webhooks, oldest first."""
    rows = await fetch_rows(tx, "list_webhooks", platform_id=platform_id)
    return [Webhook(**{**row, "events": tuple(map(WebhookEvent, row["events"]))}) for row in rows]


async def delete(tx: Transaction, platform_id: int, ref: UUID) -> bool:
    """Delete a platform's webhook and its messages. Return whether there was one."""
    return await fetch_value(tx, "delete_webhook", platform_id=platform_id, ref=ref) is not None


async def enqueue(tx: Transaction, kind: ChangeKind, hash_ids: Sequence[int]) -> None:
    """Add changes of hashes to the outbox of every webhook that subscribes to them."""
    if kind in _EVENTS:
        event = _EVENTS[kind].value
        cursor = await execute(tx, "enqueue_changes", event=event, hash_ids=list(hash_ids))
        if cursor.rowcount:
            await notify(tx, CHANNEL)


async def enqueue_test(tx: Transaction, platform_id: int, ref: UUID) -> UUID | None:
    """Add a test message to the outbox. Return its public ID; None if there is no such webhook."""
    event = WebhookEvent.TEST.value
    message: UUID | None = await fetch_value(
        tx, "enqueue_test", platform_id=platform_id, ref=ref, event=event
    )
    await notify(tx, CHANNEL)
    return message


async def next_due(tx: Transaction) -> float | None:
    """Return the seconds until the next message is due; None if there is none."""
    seconds: float | None = await fetch_value(tx, "next_due")
    return seconds


async def claim(tx: Transaction, limit: int, seconds: int) -> list[OutgoingMessage]:
    """Claim due messages: no other worker gets them for this many seconds."""
    return await fetch_all(tx, OutgoingMessage, "claim_messages", limit=limit, seconds=seconds)


async def record_delivered(tx: Transaction, message_id: int) -> None:
    """Delete a message that was delivered, and count it."""
    await execute(tx, "message_delivered", message_id=message_id)


async def record_failure(
    tx: Transaction, message_id: int, failure: str, seconds: int | None
) -> None:
    """Record why a message was not delivered, and when to retry (None: never)."""
    await execute(tx, "message_failed", message_id=message_id, failure=failure, seconds=seconds)


async def failed(tx: Transaction, webhook_id: int, limit: int) -> list[FailedMessage]:
    """Return the messages of a webhook that failed and are not retried, oldest first."""
    return await fetch_all(
        tx, FailedMessage, "list_failed_messages", webhook_id=webhook_id, limit=limit
    )


async def replay(tx: Transaction, webhook_id: int) -> int:
    """Make every failed message of a webhook due again. Return how many."""
    replayed = (await execute(tx, "replay_messages", webhook_id=webhook_id)).rowcount
    await notify(tx, CHANNEL)
    return replayed
