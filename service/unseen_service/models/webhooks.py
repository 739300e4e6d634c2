"""Webhooks and their messages."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class WebhookEvent(StrEnum):
    """An event that a webhook is notified of.

    `hash.added`: hashes became active. `hash.withdrawn`: no case holds them any longer, or staff
    removed them. `hash.standing`: their review state changed. `webhook.test`: a test was requested.
    """

    ADDED = "hash.added"
    WITHDRAWN = "hash.withdrawn"
    STANDING = "hash.standing"
    TEST = "webhook.test"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook of a platform, and the state of its messages."""

    id: int
    ref: UUID
    url: str = field(repr=False)
    events: tuple[WebhookEvent, ...]
    created_at: datetime
    delivered: int
    delivered_at: datetime | None
    waiting: int
    given_up: int


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message to send: where, signed with which secret (32 bytes), and the attempt number."""

    id: int
    ref: UUID
    webhook_id: int
    platform_id: int
    url: str = field(repr=False)
    secret: bytes = field(repr=False)
    body: str
    attempts: int


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """A webhook after a failed attempt: failures in a row, and for how long it is paused."""

    ref: UUID
    failures: int
    pause_s: float | None


@dataclass(frozen=True, slots=True)
class FailedMessage:
    """A message that is out of retries, and why its last attempt failed."""

    ref: UUID
    event: WebhookEvent
    created_at: datetime
    attempts: int
    failure: str | None
