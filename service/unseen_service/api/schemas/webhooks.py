"""Schemas of webhooks."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from ...models.webhooks import Webhook, WebhookEvent
from .common import Listed, RequestModel

EventValue = Annotated[WebhookEvent, Field(strict=False)]


class WebhookIn(RequestModel):
    """A webhook to register."""

    url: str = Field(
        max_length=2_000,
        description="Where messages are sent: https, to a public address.",
        examples=["https://platform.example/hooks/unseen"],
    )
    events: Listed[EventValue] = Field(
        default=[
            WebhookEvent.ADDED,
            WebhookEvent.WITHDRAWN,
            WebhookEvent.STANDING,
        ],
        min_length=1,
        max_length=8,
        description="The events to be notified of.",
    )


class WebhookOut(BaseModel):
    """A webhook and the state of its messages."""

    webhook: UUID = Field(description="The ID of the webhook.")
    url: str
    events: list[WebhookEvent]
    created_at: datetime
    delivered: int = Field(description="Number of messages delivered.")
    delivered_at: datetime | None = Field(description="When the last one was delivered.")
    waiting: int = Field(description="Number of messages still to be sent.")
    given_up: int = Field(description="Number of messages that failed; they can be replayed.")

    @classmethod
    def of(cls, webhook: Webhook) -> "WebhookOut":
        """Return a webhook as the API shows it."""
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
    """A new webhook and its secret."""

    webhook: WebhookOut
    secret: str = Field(
        description="`whsec_` and base64. Each message is signed with it; it is shown only once."
    )


class WebhooksOut(BaseModel):
    """Webhooks, oldest first."""

    webhooks: list[WebhookOut]


class GivenUpOut(BaseModel):
    """A message that failed after all retries."""

    message: str = Field(description="Its `webhook-id`.")
    event: WebhookEvent
    created_at: datetime
    attempts: int = Field(description="Number of attempts to deliver it.")
    failure: str | None = Field(description="Why the last attempt failed.")


class GivenUpListOut(BaseModel):
    """Failed messages, oldest first."""

    messages: list[GivenUpOut]


class TestedOut(BaseModel):
    """A test message will be sent."""

    message: str = Field(description="Its `webhook-id`.")


class ReplayedOut(BaseModel):
    """Failed messages will be sent again."""

    replayed: int = Field(description="Number of messages.")
