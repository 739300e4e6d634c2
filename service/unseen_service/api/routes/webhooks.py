"""A platform's webhooks: told at once, at an address of its own, of what the feed has to say."""

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
    """Register a webhook; the secret is shown this once."""
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
    """List the platform's webhooks, and how they fare."""
    found = await webhooks.listed(provided.store, key)
    return schemas.WebhooksOut(webhooks=[schemas.WebhookOut.of(each) for each in found])


@router.delete("/{webhook}", status_code=204, responses=_PROBLEMS)
async def delete_webhook(provided: Provided, key: Reader, webhook: UUID) -> Response:
    """Delete a webhook, with all that was still to be sent."""
    await webhooks.delete(provided.store, key, webhook)
    return Response(status_code=204)


@router.post("/{webhook}/test", status_code=202, responses=_PROBLEMS)
async def test_webhook(provided: Provided, key: Reader, webhook: UUID) -> schemas.TestedOut:
    """Have a message sent that says nothing, `webhook.test`."""
    message = await webhooks.test(provided.store, key, webhook)
    return schemas.TestedOut(message=f"msg_{message.hex}")


@router.get("/{webhook}/given-up", responses=_PROBLEMS)
async def list_given_up(provided: Provided, key: Reader, webhook: UUID) -> schemas.GivenUpListOut:
    """List the messages that did not arrive in a day."""
    found = await webhooks.given_up(provided.store, key, webhook)
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
    """Send what was given up once more."""
    return schemas.ReplayedOut(replayed=await webhooks.replay(provided.store, key, webhook))
