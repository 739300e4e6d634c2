"""The feed, for platforms that match on their own servers: every hash, and every change to one."""

import json
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from ...errors import FeedGone, InvalidRequest
from ...models.feed import FeedPage
from ...models.keys import Key, Scope
from ...usecases.feed import cursor_after
from ..authentication import require_key
from ..dependencies import Provided
from ..openapi import keyed_responses
from ..router import make_router
from ..schemas import feed as schemas

router = make_router(tags=["feed"])

NDJSON = "application/x-ndjson"
_PAGE = {
    "content": {NDJSON: {"schema": {"$ref": "#/components/schemas/EntryOut"}}},
    "description": "A page of the feed. As NDJSON: one entry per line, then a line with `cursor` "
    "and `more`.",
}


@router.get(
    "/v1/hashes",
    response_model=schemas.FeedOut,
    responses={200: _PAGE, **keyed_responses(FeedGone, InvalidRequest)},
)
async def read_feed(
    *,
    provided: Provided,
    request: Request,
    key: Annotated[Key, Depends(require_key(Scope.FEED))],
    cursor: Annotated[
        str | None,
        Query(
            max_length=128,
            description="The cursor of the previous page; without one, the feed starts at the "
            "beginning.",
        ),
    ] = None,
    limit: Annotated[
        int,
        Query(ge=1, le=schemas.MAX_PAGE_ENTRIES, description="The most entries to return."),
    ] = 1_000,
    wait: Annotated[
        float,
        Query(
            ge=0,
            le=600,
            description="If nothing is new, wait for a change for up to this many seconds; the "
            "service may wait less.",
        ),
    ] = 0,
) -> Response:
    """Read the feed.

    Returns every hash that changed after the cursor, once, in its current state, ordered by its
    last change. Store the cursor together with the entries. Continue at once while `more` is
    true, otherwise ask again with `wait`. After 410, drop your copy and start without a cursor.

    With `Accept: application/x-ndjson` a page is sent as lines; if the last line, with the
    cursor, is missing, the response is incomplete. Requires the scope `feed`.
    """
    max_wait = float(provided.settings.feed_wait_s)
    page = await provided.feed.page(key, cursor, limit=limit, wait=min(wait, max_wait))
    if NDJSON in request.headers.get("accept", ""):
        return Response("".join(_lines(page)), media_type=NDJSON)
    entries = [schemas.entry_json(each) for each in page.entries]
    return JSONResponse({"entries": entries, **_end(page)})


def _end(page: FeedPage) -> dict[str, object]:
    return {"cursor": cursor_after(page), "more": page.more}


def _lines(page: FeedPage) -> Iterator[str]:
    for each in page.entries:
        yield json.dumps(schemas.entry_json(each), separators=(",", ":")) + "\n"
    yield json.dumps(_end(page), separators=(",", ":")) + "\n"
