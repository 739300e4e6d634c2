"""The exchange protocol of StopNCII.org: HMA, Coop and threatexchange can subscribe unchanged.

If its base URL ends in a slash, a client requests `//FetchHashes`, which is the same route. It is
not redirected: the client would send its keys along.
"""

import re
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from ...errors import DegenerateHash, FeedGone, InvalidRequest, KnownBenign
from ...models.feed import FeedCursor, FeedPage
from ...models.keys import Key, Scope
from ...usecases import feedback, platform_bank
from .. import problems
from ..authentication import charge_writes, require_protocol_keys
from ..bodies import require_json
from ..dependencies import Provided
from ..json_routes import StopNciiRoute
from ..openapi import BODY_PROBLEMS, keyed_responses
from ..router import make_router
from ..schemas import stopncii as schemas

router = make_router(route_class=StopNciiRoute, tags=["stopncii"])

_BASE = "/stopncii/v1"
_MAX_PAGE_RECORDS = 5_000
_LAST_SECOND = 253_402_300_799
"""The last second of the year 9999, in Unix time."""
_TOKEN = re.compile(r"([0-9a-f]{32})-(\d{1,18})-(\d{1,18})-(\d{1,12})\Z")
_REQUIRE_JSON = [Depends(require_json)]


@router.get(f"{_BASE}//FetchHashes", include_in_schema=False, response_model=None)
@router.get(
    f"{_BASE}/FetchHashes",
    response_model=schemas.FetchOut,
    responses=keyed_responses(FeedGone, InvalidRequest),
)
async def fetch_hashes(
    *,
    provided: Provided,
    key: Annotated[Key, Depends(require_protocol_keys(Scope.FEED))],
    start: Annotated[
        int,
        Query(
            alias="startTimestamp",
            ge=0,
            le=_LAST_SECOND,
            description="Return hashes that changed at this Unix time or later. Ignored if a page "
            "token is given.",
        ),
    ] = 10,
    size: Annotated[
        int,
        Query(
            alias="pageSize",
            ge=1,
            description=f"The most records to return; above {_MAX_PAGE_RECORDS:,} it counts as "
            f"{_MAX_PAGE_RECORDS:,}.",
        ),
    ] = 800,
    token: Annotated[
        str | None,
        Query(
            alias="nextPageToken",
            max_length=96,
            description="The token of the previous page, to continue after it.",
        ),
    ] = None,
) -> Response:
    """Fetch hashes.

    Returns hashes that changed since a time, ordered by their last change. While `hasMoreRecords`
    is true, continue with the token. Later, start again at `nextSetTimestamp`. Requires the scope
    `feed`.
    """
    limit = min(size, _MAX_PAGE_RECORDS)
    if token:
        cursor, start = _parse_token(token)
        page = await provided.feed.read(key, cursor, limit)
    else:
        page = await provided.feed.read_since(key, start, limit)
    return JSONResponse(_page(page, start))


@router.post(f"{_BASE}//SubmitFeedback", include_in_schema=False, dependencies=_REQUIRE_JSON)
@router.post(
    f"{_BASE}/SubmitFeedback",
    dependencies=_REQUIRE_JSON,
    responses=keyed_responses(*BODY_PROBLEMS),
)
async def submit_feedback(
    provided: Provided,
    request: Request,
    key: Annotated[Key, Depends(require_protocol_keys(Scope.FEEDBACK))],
    body: schemas.SubmitFeedbackIn,
) -> schemas.TakenOut:
    """Submit feedback on hashes.

    `Deleted` confirms that you deleted a withdrawn hash, which you may name by its `record` too.
    `Withdrawn` does too, and also withdraws
    the hash from your own bank. The last feedback per hash counts. Hashes that are not stored are
    ignored without an error. Requires the scope `feedback`.
    """
    charge_writes(provided, request, len(body.hashFeedbacks))
    last = {bytes.fromhex(each.hashValue): each for each in body.hashFeedbacks if each.hashValue}
    records = [each.record for each in body.hashFeedbacks if each.record]
    deleted = {pdq for pdq, each in last.items() if each.feedbackValue in schemas.DELETED_VALUES}
    withdrawn = {
        pdq for pdq in deleted if last[pdq].feedbackValue is schemas.FeedbackValue.WITHDRAWN
    }
    given = {pdq: each.to_feedback() for pdq, each in last.items() if pdq not in deleted}
    if last:
        await platform_bank.give_feedback_by_hash(provided.store, key, given, deleted, withdrawn)
    if records:
        await feedback.confirm_known_withdrawals(provided.store, key, records)
    return schemas.TakenOut(count=len(body.hashFeedbacks))


@router.post(f"{_BASE}//SubmitHashes", include_in_schema=False, dependencies=_REQUIRE_JSON)
@router.post(
    f"{_BASE}/SubmitHashes",
    dependencies=_REQUIRE_JSON,
    responses=keyed_responses(*BODY_PROBLEMS, DegenerateHash, KnownBenign),
)
async def submit_hashes(
    provided: Provided,
    request: Request,
    key: Annotated[Key, Depends(require_protocol_keys(Scope.SUBMIT))],
    body: schemas.SubmitHashesIn,
) -> schemas.SubmittedOut:
    """Submit hashes of your own bank.

    Hashes that do not come from a photo (`degenerate-hash`) or are close to a well-known benign
    image (`known-benign`) are listed in `refused`; the others are stored, in chunks of 250. If all
    of them are refused, the answer is that problem. After a 503, repeat the request: submitting
    again changes nothing. Requires the scope `submit`.
    """
    charge_writes(provided, request, len(body.hashRecords))
    no_feedback = schemas.FeedbackOf(feedbackValue=schemas.FeedbackValue.NONE).to_feedback()
    located = [
        (f"hashRecords.{n}.hashValue", bytes.fromhex(each.hashValue))
        for n, each in enumerate(body.hashRecords)
    ]
    refusals = await provided.admission.refusals(located)
    refused = {at: (error.slug, why) for error in refusals[::-1] for at, why in error.spots}
    if refused and len(refused) == len(located):
        raise refusals[0]
    submitted = {
        pdq: each.CSPFeedbacks[0].to_feedback() if each.CSPFeedbacks else no_feedback
        for (at, pdq), each in zip(located, body.hashRecords, strict=True)
        if at not in refused
    }
    await platform_bank.submit_hashes(provided.store, key, submitted, provided.admission)
    return schemas.SubmittedOut(
        count=len(body.hashRecords),
        refused=[
            schemas.RefusedOut(at=at, type=problems.PREFIX + slug, detail=why)
            for at, _ in located
            if at in refused
            for slug, why in [refused[at]]
        ],
    )


def _page(page: FeedPage, start: int) -> dict[str, object]:
    """Return a page in the protocol's format.

    Every change before the second `nextSetTimestamp` has been returned: a change that is not
    visible yet happened in the second of the newest visible one, or later.
    """
    records = [record for each in page.entries if (record := schemas.record_json(each))]
    newest = int(page.entries[-1].at.timestamp()) if page.entries else start
    second = max(start, newest)
    return {
        "count": len(records),
        "nextPageToken": _token(page.cursor, second) if page.more else None,
        "nextSetTimestamp": second,
        "hasMoreRecords": page.more,
        "hashRecords": records,
    }


def _token(cursor: FeedCursor, second: int) -> str:
    return f"{cursor.log.hex}-{cursor.position}-{cursor.mark}-{second}"


def _parse_token(text: str) -> tuple[FeedCursor, int]:
    found = _TOKEN.match(text)
    if found is None or int(found[4]) > _LAST_SECOND:
        raise InvalidRequest(
            "This is not a page token. Send it as you received it, or leave it out to start again.",
            "query.nextPageToken",
        )
    return FeedCursor(UUID(found[1]), int(found[2]), int(found[3])), int(found[4])
