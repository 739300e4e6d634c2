"""A platform's webhooks: notified at once, at an address of its own, of changes in the feed."""

import base64
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from ...models.keys import Key, Scope
from ...usecases import webhooks
from ..authentication import key_with
from ..bodies import json_only
from ..dependencies import Provided
from ..openapi import keyed
from ..router import make_router
from ..schemas import webhooks as schemas

router = make_router(prefix="/v1/webhooks", tags=["webhooks"])

Reader = Annotated[Key, Depends(key_with(Scope.FEED))]
_PROBLEMS = keyed(404, 422)


@router.post(
    "",
    status_code=201,
    dependencies=[Depends(json_only)],
    responses=keyed(413, 415, 422),
)
async def register_webhook(
    provided: Provided, key: Reader, body: schemas.WebhookIn
) -> schemas.NewWebhookOut:
    """Register a webhook; the secret is shown only now."""
    webhook, secret = await webhooks.register(
        provided.store,
        key,
        body.url,
        body.events,
        private=bool(provided.settings.webhook_private_targets),
    )
    encoded = base64.b64encode(secret).decode()
    return schemas.NewWebhookOut(webhook=schemas.WebhookOut.of(webhook), secret=f"whsec_{encoded}")


@router.get("", responses=keyed())
async def list_webhooks(provided: Provided, key: Reader) -> schemas.WebhooksOut:
    """List the platform's webhooks and the state of their deliveries."""
    found = await webhooks.list_webhooks(provided.store, key)
    return schemas.WebhooksOut(webhooks=[schemas.WebhookOut.of(each) for each in found])


@router.delete("/{webhook}", status_code=204, responses=_PROBLEMS)
async def delete_webhook(provided: Provided, key: Reader, webhook: UUID) -> Response:
    """Delete a webhook and its messages."""
    await webhooks.delete(provided.store, key, webhook)
    return Response(status_code=204)


@router.post("/{webhook}/test", status_code=202, responses=_PROBLEMS)
async def test_webhook(provided: Provided, key: Reader, webhook: UUID) -> schemas.TestedOut:
    """Send a message without content, `webhook.test`."""
    message = await webhooks.send_test(provided.store, key, webhook)
    return schemas.TestedOut(message=f"msg_{message.hex}")


@router.get("/{webhook}/given-up", responses=_PROBLEMS)
async def list_given_up(provided: Provided, key: Reader, webhook: UUID) -> schemas.GivenUpListOut:
    """List the messages that could not be delivered for a day."""
    found = await webhooks.list_failed(provided.store, key, webhook)
    return schemas.GivenUpListOut(
        messages=[
            schemas.GivenUpOut(
                message=f"msg_{each.ref.hex}",
                event=each.event,
                created_at=each.created_at,
                attempts=each.attempts,
                failure=each.failure,
            )
            for each in found
        ]
    )


@router.post("/{webhook}/replay", status_code=202, responses=_PROBLEMS)
async def replay_webhook(provided: Provided, key: Reader, webhook: UUID) -> schemas.ReplayedOut:
    """Send the failed messages again."""
    return schemas.ReplayedOut(replayed=await webhooks.replay(provided.store, key, webhook))
