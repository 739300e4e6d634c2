"""The feed: every hash and what changes of it, for platforms that match inside their own walls."""

import json
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from ...models.feed import FeedPage
from ...models.keys import Key, Scope
from ...usecases.feed import cursor_after
from ..authentication import key_with
from ..dependencies import Provided
from ..openapi import keyed
from ..router import make_router
from ..schemas import feed as schemas

router = make_router(tags=["feed"])

NDJSON = "application/x-ndjson"
_LINES = {
    "content": {NDJSON: {"schema": {"$ref": "#/components/schemas/EntryOut"}}},
    "description": "A page; as NDJSON one entry a line, then a line with the cursor and `more`.",
}


@router.get(
    "/v1/hashes",
    response_model=schemas.FeedOut,
    responses={200: _LINES, **keyed(410, 422)},
)
async def read_feed(
    *,
    provided: Provided,
    request: Request,
    key: Annotated[Key, Depends(key_with(Scope.FEED))],
    cursor: Annotated[
        str | None, Query(max_length=128, description="From the page before; none: all from here.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=schemas.LONGEST_PAGE)] = 1_000,
    wait: Annotated[
        float, Query(ge=0, le=600, description="Seconds to wait for news where there is none.")
    ] = 0,
) -> Response:
    """Read the feed: what changed since a cursor, oldest first, each hash once as it is now.

    Accept: application/x-ndjson gives lines. 410: drop your copy and begin without a cursor.
    """
    longest = float(provided.settings.feed_wait_s)
    page = await provided.feed.page(key, cursor, limit=limit, wait=min(wait, longest))
    if NDJSON in request.headers.get("accept", ""):
        return Response("".join(_lines(page)), media_type=NDJSON)
    return JSONResponse({"entries": [schemas.entry(each) for each in page.entries], **_end(page)})


def _end(page: FeedPage) -> dict[str, object]:
    return {"cursor": cursor_after(page), "more": page.more}


def _lines(page: FeedPage) -> Iterator[str]:
    for each in page.entries:
        yield json.dumps(schemas.entry(each), separators=(",", ":")) + "\n"
    yield json.dumps(_end(page), separators=(",", ":")) + "\n"
