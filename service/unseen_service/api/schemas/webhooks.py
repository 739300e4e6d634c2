"""Webhooks, as a platform registers and sees them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from ...models.webhooks import Webhook, WebhookEvent
from .common import Wire

Event = Annotated[WebhookEvent, Field(strict=False)]


class WebhookIn(Wire):
    """A URL to be told at, and of what."""

    url: str = Field(max_length=2_000, examples=["https://platform.example/hooks/unseen"])
    events: list[Event] = Field(
        default=[
            WebhookEvent.ADDED,
            WebhookEvent.WITHDRAWN,
            WebhookEvent.STANDING,
        ],
        min_length=1,
        max_length=8,
    )


class WebhookOut(BaseModel):
    """A webhook, and how it fares."""

    webhook: UUID
    url: str
    events: list[WebhookEvent]
    created_at: datetime
    delivered: int
    delivered_at: datetime | None
    waiting: int = Field(description="Messages that are still to be sent.")
    given_up: int = Field(description="Messages that did not arrive in a day; see replay.")

    @classmethod
    def of(cls, webhook: Webhook) -> "WebhookOut":
        """Show a webhook."""
        return cls(
            webhook=webhook.ref,
            url=webhook.url,
            events=list(webhook.events),
            created_at=webhook.created_at,
            delivered=webhook.delivered,
            delivered_at=webhook.delivered_at,
            waiting=webhook.waiting,
            given_up=webhook.given_up,
        )


class NewWebhookOut(BaseModel):
    """A webhook and its secret, which is shown this once."""

    webhook: WebhookOut
    secret: str = Field(description="`whsec_` and base64: what each message is signed with.")


class WebhooksOut(BaseModel):
    """The platform's webhooks, oldest first."""

    webhooks: list[WebhookOut]


class GivenUpOut(BaseModel):
    """A message that did not arrive."""

    message: str = Field(description="What the message has as its webhook-id.")
    event: WebhookEvent
    created_at: datetime
    attempts: int
    failure: str | None


class GivenUpListOut(BaseModel):
    """Messages that were given up, the oldest first, 100 at most."""

    messages: list[GivenUpOut]


class TestedOut(BaseModel):
    """A test message is on its way."""

    message: str


class ReplayedOut(BaseModel):
    """Messages that are sent once more."""

    replayed: int
