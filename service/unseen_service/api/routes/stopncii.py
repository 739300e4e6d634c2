"""The StopNCII exchange protocol: HMA, Coop and the threatexchange library subscribe as they are.

A base URL that ends in a slash makes the client ask for `//FetchHashes`: it gets the same. It is
never redirected: the client would take its keys along.
"""

import re
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response
from fastapi.responses import JSONResponse

from ...errors import InvalidRequest
from ...models.feed import FeedCursor, FeedPage
from ...models.keys import Key, Scope
from ...usecases import platform_bank
from ..authentication import protocol_key_with
from ..bodies import json_only
from ..dependencies import Provided
from ..openapi import keyed
from ..router import make_router
from ..schemas import stopncii as schemas

router = make_router(tags=["stopncii"])

_BASE = "/stopncii/v1"
_LONGEST_PAGE = 5_000
_LAST_SECOND = 253_402_300_799
_TOKEN = re.compile(r"([0-9a-f]{32})-(\d{1,18})-(\d{1,18})-(\d{1,12})\Z")
_POST = [Depends(json_only)]
_POST_PROBLEMS = keyed(413, 415, 422)


@router.get(f"{_BASE}//FetchHashes", include_in_schema=False, response_model=None)
@router.get(
    f"{_BASE}/FetchHashes",
    response_model=schemas.FetchOut,
    responses=keyed(410, 422),
)
async def fetch_hashes(
    *,
    provided: Provided,
    key: Annotated[Key, Depends(protocol_key_with(Scope.FEED))],
    start: Annotated[int, Query(alias="startTimestamp", ge=0, le=_LAST_SECOND)] = 10,
    size: Annotated[int, Query(alias="pageSize", ge=1)] = 800,
    token: Annotated[str | None, Query(alias="nextPageToken", max_length=96)] = None,
) -> Response:
    """Hand out what changed in a second or later, oldest first; a page's token goes on with it."""
    limit = min(size, _LONGEST_PAGE)
    if token:
        place, start = _read_token(token)
        page = await provided.feed.read(key, place, limit)
    else:
        page = await provided.feed.read_since(key, start, limit)
    return JSONResponse(_page(page, start))


@router.post(f"{_BASE}//SubmitFeedback", include_in_schema=False, dependencies=_POST)
@router.post(f"{_BASE}/SubmitFeedback", dependencies=_POST, responses=_POST_PROBLEMS)
async def submit_feedback(
    provided: Provided,
    key: Annotated[Key, Depends(protocol_key_with(Scope.FEEDBACK))],
    body: schemas.SubmitFeedbackIn,
) -> schemas.TakenOut:
    """Take feedback by hash; `Withdrawn` and `Deleted` say that it was let go of.

    `Withdrawn` takes back what the platform itself submitted, as well.
    """
    last = {bytes.fromhex(each.hashValue): each for each in body.hashFeedbacks}
    gone = {pdq for pdq, each in last.items() if each.feedbackValue in schemas.GONE}
    taken_back = {pdq for pdq in gone if last[pdq].feedbackValue is schemas.FeedbackValue.WITHDRAWN}
    said = {pdq: each.given() for pdq, each in last.items() if pdq not in gone}
    await platform_bank.give_feedback_by_hash(provided.store, key, said, gone, taken_back)
    return schemas.TakenOut(count=len(body.hashFeedbacks))


@router.post(f"{_BASE}//SubmitHashes", include_in_schema=False, dependencies=_POST)
@router.post(f"{_BASE}/SubmitHashes", dependencies=_POST, responses=_POST_PROBLEMS)
async def submit_hashes(
    provided: Provided,
    key: Annotated[Key, Depends(protocol_key_with(Scope.SUBMIT))],
    body: schemas.SubmitHashesIn,
) -> schemas.TakenOut:
    """Take hashes of the platform's own bank, with what it says of them.

    They pass the checks that a person's do: no plain surface, nothing that is well known.
    """
    nothing = schemas.FeedbackOf(feedbackValue=schemas.FeedbackValue.NONE).given()
    submitted = {
        bytes.fromhex(each.hashValue): each.CSPFeedbacks[0].given()
        if each.CSPFeedbacks
        else nothing
        for each in body.hashRecords
    }
    places = [f"hashRecords.{n}.hashValue" for n, _ in enumerate(body.hashRecords)]
    values = [bytes.fromhex(each.hashValue) for each in body.hashRecords]
    await provided.admission.screen(list(zip(places, values, strict=True)))
    await platform_bank.submit_hashes(provided.store, key, submitted)
    return schemas.TakenOut(count=len(body.hashRecords))


def _page(page: FeedPage, start: int) -> dict[str, object]:
    """Write a page.

    Everything of a second before nextSetTimestamp has been handed out: a change that is not
    visible yet is of the newest visible one's second or later, whoever commits it.
    """
    records = [record for each in page.entries if (record := schemas.record(each))]
    newest = int(page.entries[-1].at.timestamp()) if page.entries else start
    second = max(start, newest)
    return {
        "count": len(records),
        "nextPageToken": _token(page.cursor, second) if page.more else None,
        "nextSetTimestamp": second,
        "hasMoreRecords": page.more,
        "hashRecords": records,
    }


def _token(place: FeedCursor, second: int) -> str:
    return f"{place.log.hex}-{place.position}-{place.mark}-{second}"


def _read_token(text: str) -> tuple[FeedCursor, int]:
    found = _TOKEN.match(text)
    if found is None or int(found[4]) > _LAST_SECOND:
        raise InvalidRequest(
            "This is no page token; pass one on as it came, or leave it out to begin anew.",
            "query.nextPageToken",
        )
    return FeedCursor(UUID(found[1]), int(found[2]), int(found[3])), int(found[4])
