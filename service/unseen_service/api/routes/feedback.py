"""Feedback of platforms, and confirmation that they deleted withdrawn hashes."""

from typing import Annotated

from fastapi import Depends, Request

from ...models.feedback import GivenFeedback
from ...models.keys import Key, Scope
from ...usecases import feedback
from ..authentication import charge_writes, require_key
from ..bodies import require_json
from ..dependencies import Provided
from ..json_routes import FeedbackRoute
from ..openapi import BODY_PROBLEMS, keyed_responses
from ..router import make_router
from ..schemas import feedback as schemas

router = make_router(
    route_class=FeedbackRoute, tags=["feedback"], dependencies=[Depends(require_json)]
)

FeedbackKey = Annotated[Key, Depends(require_key(Scope.FEEDBACK))]
_PROBLEMS = keyed_responses(*BODY_PROBLEMS)


@router.post("/v1/feedback", responses=_PROBLEMS)
async def give_feedback(
    provided: Provided, request: Request, key: FeedbackKey, body: schemas.FeedbackIn
) -> schemas.FeedbackOut:
    """Report results for hashes.

    If a record is unknown, no value is accepted. The last value per record counts, and repeating
    it changes nothing: do so after a 503. Others learn of it only if you matched the hash or
    received it: people see the results in their cases, and if two platforms report `not-intimate`,
    staff review the hash. What you report as `not-intimate` reads as withdrawn in your own lookups
    and feed, until you report something else or staff decide. Requires the scope `feedback`.
    """
    charge_writes(provided, request, len(body.feedback))
    given = {each.record: GivenFeedback(each.value, frozenset(each.tags)) for each in body.feedback}
    new = await feedback.give_feedback(provided.store, key, given, provided.dispute_rules)
    return schemas.FeedbackOut(accepted=len(body.feedback), new=new)


@router.post("/v1/withdrawals", responses=_PROBLEMS)
async def confirm_withdrawals(
    provided: Provided, request: Request, key: FeedbackKey, body: schemas.WithdrawalsIn
) -> schemas.WithdrawalsOut:
    """Confirm that you deleted withdrawn hashes.

    If a record is unknown, none is accepted. Repeating it changes nothing: do so after a 503.
    Requires the scope `feedback`.
    """
    charge_writes(provided, request, len(body.records))
    confirmed, active = await feedback.confirm_withdrawals(provided.store, key, body.records)
    return schemas.WithdrawalsOut(confirmed=confirmed, active=active)
