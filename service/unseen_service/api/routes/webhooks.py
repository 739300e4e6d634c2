"""Webhooks of platforms: register, list, test, delete; list failed messages and replay them."""

import base64
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Response

from ...errors import InvalidRequest, WebhookNotFound
from ...models.keys import Key, Scope
from ...usecases import webhooks
from ..authentication import require_key
from ..bodies import require_json
from ..dependencies import Provided
from ..json_routes import JsonRoute
from ..openapi import BODY_PROBLEMS, keyed_responses
from ..router import make_router
from ..schemas import webhooks as schemas

router = make_router(route_class=JsonRoute, prefix="/v1/webhooks", tags=["webhooks"])

FeedKey = Annotated[Key, Depends(require_key(Scope.FEED))]
WebhookId = Annotated[UUID, Path(description="The ID of the webhook.")]
_PROBLEMS = keyed_responses(WebhookNotFound, InvalidRequest)


@router.post(
    "",
    status_code=201,
    dependencies=[Depends(require_json)],
    responses=keyed_responses(*BODY_PROBLEMS),
)
async def register_webhook(
    provided: Provided, key: FeedKey, body: schemas.WebhookIn
) -> schemas.NewWebhookOut:
    """Register a webhook.

    A platform can have ten. The secret is shown only in this response. Requires the scope `feed`.
    """
    webhook, secret = await webhooks.register(
        provided.store,
        key,
        body.url,
        body.events,
        private=bool(provided.settings.webhook_private_targets),
    )
    encoded = base64.b64encode(secret).decode()
    return schemas.NewWebhookOut(webhook=schemas.WebhookOut.of(webhook), secret=f"whsec_{encoded}")


@router.get("", responses=keyed_responses())
async def list_webhooks(provided: Provided, key: FeedKey) -> schemas.WebhooksOut:
    """List your webhooks.

    Returns them oldest first, with the numbers of delivered, waiting and failed messages.
    Requires the scope `feed`.
    """
    found = await webhooks.list_webhooks(provided.store, key)
    return schemas.WebhooksOut(webhooks=[schemas.WebhookOut.of(each) for each in found])


@router.delete(
    "/{webhook}",
    status_code=204,
    response_description="The webhook is deleted.",
    responses=_PROBLEMS,
)
async def delete_webhook(provided: Provided, key: FeedKey, webhook: WebhookId) -> Response:
    """Delete a webhook.

    Also deletes its messages that are waiting or failed. Requires the scope `feed`.
    """
    await webhooks.delete(provided.store, key, webhook)
    return Response(status_code=204)


@router.post("/{webhook}/test", status_code=202, responses=_PROBLEMS)
async def test_webhook(provided: Provided, key: FeedKey, webhook: WebhookId) -> schemas.TestedOut:
    """Send a test message to a webhook.

    The message has the event `webhook.test` and no records. Requires the scope `feed`.
    """
    message = await webhooks.send_test(provided.store, key, webhook)
    return schemas.TestedOut(message=f"msg_{message.hex}")


@router.get("/{webhook}/given-up", responses=_PROBLEMS)
async def list_given_up(
    provided: Provided, key: FeedKey, webhook: WebhookId
) -> schemas.GivenUpListOut:
    """List the failed messages of a webhook.

    A message has failed after retries for about a day. Returns at most 100, oldest first.
    Requires the scope `feed`.
    """
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
async def replay_webhook(
    provided: Provided, key: FeedKey, webhook: WebhookId
) -> schemas.ReplayedOut:
    """Send all failed messages of a webhook again.

    Requires the scope `feed`.
    """
    return schemas.ReplayedOut(replayed=await webhooks.replay(provided.store, key, webhook))
