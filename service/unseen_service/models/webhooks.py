"""Webhooks and their messages."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class WebhookEvent(StrEnum):
    """What a webhook tells of."""

    ADDED = "hash.added"
    WITHDRAWN = "hash.withdrawn"
    STANDING = "hash.standing"
    TEST = "webhook.test"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a platform is told of changes, of which, and how that fares."""

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
    """A message in hand: what is sent, where, signed with what, and the how-manieth attempt."""

    id: int
    ref: UUID
    url: str = field(repr=False)
    secret: bytes = field(repr=False)
    body: str
    attempts: int


@dataclass(frozen=True, slots=True)
class FailedMessage:
    """A message that did not arrive."""

    ref: UUID
    event: WebhookEvent
    created_at: datetime
    attempts: int
    failure: str | None
