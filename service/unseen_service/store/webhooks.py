"""Webhooks and their outbox: register, enqueue, claim, record delivery or failure, replay."""

from collections.abc import Sequence
from uuid import UUID

from ..models.changes import ChangeKind
from ..models.webhooks import FailedAttempt, FailedMessage, OutgoingMessage, Webhook, WebhookEvent
from .statements import Transaction, execute, fetch_all, fetch_rows, fetch_value, notify

CHANNEL = "unseen_webhooks"
"""Notified whenever there is a message to send."""

MAX_PER_WEBHOOK = 4
"""Messages to one webhook that a worker sends at the same time."""
MAX_PER_PLATFORM = 8
"""Messages to all webhooks of a platform that a worker sends at the same time."""
FAILURES_BEFORE_PAUSE = 3
"""Failed attempts in a row after which a webhook is paused."""
FIRST_PAUSE_S = 30
LONGEST_PAUSE_S = 1_800
"""Each failure doubles the pause, up to the longest."""
MAX_MESSAGES = 10_000
"""Messages that a webhook can have: those that wait, and those that failed for good."""
_MAX_FAILED_AT_ONCE = 1_000

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
        cursor = await execute(
            tx,
            "enqueue_changes",
            event=_EVENTS[kind].value,
            hash_ids=list(hash_ids),
            most=MAX_MESSAGES,
        )
        if cursor.rowcount:
            await notify(tx, CHANNEL)


async def enqueue_test(tx: Transaction, platform_id: int, ref: UUID) -> UUID | None:
    """Add a test message to the outbox. Return its public ID.

    None if there is no such webhook, or if it has `MAX_MESSAGES`.
    """
    event = WebhookEvent.TEST.value
    message: UUID | None = await fetch_value(
        tx, "enqueue_test", platform_id=platform_id, ref=ref, event=event, most=MAX_MESSAGES
    )
    await notify(tx, CHANNEL)
    return message


async def next_due(tx: Transaction, in_flight: Sequence[int]) -> tuple[float | None, int]:
    """Return the seconds until a message is due (None: none is), and how many webhooks are paused.

    Webhooks with messages `in_flight` are left out.
    """
    row = (await fetch_rows(tx, "next_due", webhook_ids=list(in_flight)))[0]
    return row["seconds"], row["paused"]


async def claim(tx: Transaction, in_flight: Sequence[int], seconds: int) -> list[OutgoingMessage]:
    """Claim due messages: no other worker gets them for this many seconds.

    `in_flight` has the webhook's id of each message that this worker is sending.
    """
    return await fetch_all(
        tx,
        OutgoingMessage,
        "claim_messages",
        webhook_ids=list(in_flight),
        per_webhook=MAX_PER_WEBHOOK,
        per_platform=MAX_PER_PLATFORM,
        seconds=seconds,
    )


async def record_delivered(tx: Transaction, message_id: int) -> None:
    """Delete a message that was delivered, and count it."""
    await execute(tx, "message_delivered", message_id=message_id)


async def record_failure(
    tx: Transaction, message: OutgoingMessage, failure: str, retry_after: Sequence[int]
) -> FailedAttempt | None:
    """Record why a message was not delivered, and when to retry (seconds after each attempt).

    A webhook that fails again and again is paused, and the attempt counts for all its messages that
    are due. Return its state; None if it was deleted meanwhile.
    """
    retries = message.attempts - 1
    states = await fetch_all(
        tx,
        FailedAttempt,
        "message_failed",
        message_id=message.id,
        failure=failure,
        seconds=retry_after[retries] if retries < len(retry_after) else None,
        allowed=FAILURES_BEFORE_PAUSE,
        first=FIRST_PAUSE_S,
        longest=LONGEST_PAUSE_S,
    )
    if not states:
        return None
    if states[0].pause_s is not None:
        await execute(
            tx,
            "fail_due_messages",
            webhook_id=message.webhook_id,
            failure=failure,
            retry_after=list(retry_after),
            limit=_MAX_FAILED_AT_ONCE,
        )
    return states[0]


async def failed(tx: Transaction, webhook_id: int, limit: int) -> list[FailedMessage]:
    """Return the messages of a webhook that failed and are not retried, oldest first."""
    return await fetch_all(
        tx, FailedMessage, "list_failed_messages", webhook_id=webhook_id, limit=limit
    )


async def replay(tx: Transaction, webhook_id: int) -> int:
    """Make every failed message of a webhook due again. Return how many."""
    replayed = (await execute(tx, "replay_messages", webhook_id=webhook_id)).rowcount
    await execute(tx, "end_pause", webhook_id=webhook_id)
    await notify(tx, CHANNEL)
    return replayed
