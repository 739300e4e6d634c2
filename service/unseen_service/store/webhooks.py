"""Webhooks and their outbox: registered, written to, sent from, given up, tried again."""

from collections.abc import Sequence
from uuid import UUID

from ..models.changes import ChangeKind
from ..models.webhooks import FailedMessage, OutgoingMessage, Webhook, WebhookEvent
from .pool import Transaction, execute, fetch_all, notify

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
    """Register a webhook; answer how it is named."""
    row = await (
        await execute(
            tx,
            "insert_webhook",
            platform_id=platform_id,
            url=url,
            secret=secret,
            events=sorted(event.value for event in events),
        )
    ).fetchone()
    if row is None:
        raise LookupError("a webhook was inserted and is not there")
    return UUID(str(row["ref"]))


async def read(tx: Transaction, platform_id: int) -> list[Webhook]:
    """List a platform's webhooks, oldest first."""
    rows = await (await execute(tx, "list_webhooks", platform_id=platform_id)).fetchall()
    return [Webhook(**{**row, "events": tuple(map(WebhookEvent, row["events"]))}) for row in rows]


async def delete(tx: Transaction, platform_id: int, ref: UUID) -> bool:
    """Delete a webhook of a platform with all that was to be sent; say whether there was one."""
    cursor = await execute(tx, "delete_webhook", platform_id=platform_id, ref=ref)
    return await cursor.fetchone() is not None


async def enqueue(tx: Transaction, kind: ChangeKind, hash_ids: Sequence[int]) -> None:
    """Write what changed of some hashes to the outbox of every webhook that wants to know."""
    if kind in _EVENTS:
        event = _EVENTS[kind].value
        cursor = await execute(tx, "enqueue_changes", event=event, hash_ids=list(hash_ids))
        if cursor.rowcount:
            await notify(tx, CHANNEL)


async def enqueue_test(tx: Transaction, platform_id: int, ref: UUID) -> UUID | None:
    """Write a test message to the outbox; answer its name, or None: no such webhook."""
    row = await (
        await execute(
            tx, "enqueue_test", platform_id=platform_id, ref=ref, event=WebhookEvent.TEST.value
        )
    ).fetchone()
    await notify(tx, CHANNEL)
    return row["ref"] if row else None


async def next_due(tx: Transaction) -> float | None:
    """Say in how many seconds the next message is due; None: there is none."""
    row = await (await execute(tx, "next_due")).fetchone()
    return row["seconds"] if row else None


async def claim(tx: Transaction, limit: int, seconds: int) -> list[OutgoingMessage]:
    """Take messages in hand that are due; another worker may have them after these seconds."""
    return await fetch_all(tx, OutgoingMessage, "claim_messages", limit=limit, seconds=seconds)


async def delivered(tx: Transaction, message_id: int) -> None:
    """Strike a message that has arrived."""
    await execute(tx, "message_delivered", message_id=message_id)


async def failed(tx: Transaction, message_id: int, failure: str, seconds: int | None) -> None:
    """Note why a message did not arrive, and when it is tried again (None: given up)."""
    await execute(tx, "message_failed", message_id=message_id, failure=failure, seconds=seconds)


async def given_up(tx: Transaction, webhook_id: int, limit: int) -> list[FailedMessage]:
    """List the messages of a webhook that were given up, oldest first."""
    return await fetch_all(tx, FailedMessage, "given_up", webhook_id=webhook_id, limit=limit)


async def replay(tx: Transaction, webhook_id: int) -> int:
    """Make every message of a webhook that was given up due again; answer how many."""
    replayed = (await execute(tx, "replay_messages", webhook_id=webhook_id)).rowcount
    await notify(tx, CHANNEL)
    return replayed
