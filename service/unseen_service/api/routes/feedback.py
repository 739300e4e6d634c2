"""What platforms say back: feedback, withdrawals confirmed."""

from typing import Annotated

from fastapi import Depends

from ...models.feedback import GivenFeedback
from ...models.keys import Key, Scope
from ...usecases import feedback
from ..authentication import key_with
from ..bodies import json_only
from ..dependencies import Provided
from ..openapi import keyed
from ..router import make_router
from ..schemas import feedback as schemas

router = make_router(tags=["feedback"], dependencies=[Depends(json_only)])

Speaker = Annotated[Key, Depends(key_with(Scope.FEEDBACK))]
_PROBLEMS = keyed(413, 415, 422)


@router.post("/v1/feedback", responses=_PROBLEMS)
async def give_feedback(
    provided: Provided, key: Speaker, body: schemas.FeedbackIn
) -> schemas.FeedbackOut:
    """Say what came of hashes; the same again changes nothing."""
    said = {each.record: GivenFeedback(each.value, frozenset(each.tags)) for each in body.feedback}
    new = await feedback.give_feedback(provided.store, key, said)
    return schemas.FeedbackOut(accepted=len(body.feedback), new=new)


@router.post("/v1/withdrawals", responses=_PROBLEMS)
async def confirm_withdrawals(
    provided: Provided, key: Speaker, body: schemas.WithdrawalsIn
) -> schemas.WithdrawalsOut:
    """Confirm that withdrawn hashes were let go of; the same again changes nothing."""
    confirmed, active = await feedback.confirm_withdrawals(provided.store, key, body.records)
    return schemas.WithdrawalsOut(confirmed=confirmed, active=active)
