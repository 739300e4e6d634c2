"""Lookups, for platforms."""

import asyncio
import json
from collections.abc import Sequence

from fastapi import Request, Response

from ...errors import InvalidRequest, TooManyAtOnce
from ...models.lookups import Hit, Matched
from ..authentication import authenticate_lookup
from ..bodies import JSON, match_parser
from ..dependencies import Services
from ..openapi import BODY_PROBLEMS, MATCH_REQUEST, keyed_responses
from ..router import make_router
from ..schemas import match as schemas

router = make_router(tags=["platform"])

_HITS_A_TURN = 500
"""Hits that are written as JSON before other requests get a turn."""


@router.post(
    "/v1/match",
    response_model=schemas.MatchOut,
    openapi_extra=MATCH_REQUEST,
    responses=keyed_responses(*BODY_PROBLEMS, TooManyAtOnce),
)
async def match(request: Request) -> Response:
    """Look up hashes.

    Returns the stored hashes that are close to those sent, as JSON or as raw bytes. Every hit is
    recorded in the audit log before it is returned. Requires the scope `match`.
    """
    provided: Services = request.app.state.services
    key, account = authenticate_lookup(provided, request)
    parser = match_parser(request)
    body = await request.body()
    await provided.lookups.require_room(account, parser.most_hashes(body))
    parsed = parser.parse(request, body)
    distance = parsed.max_distance
    limit = provided.settings.max_distance
    if distance is not None and distance > limit:
        raise InvalidRequest(f"max_distance is at most {limit} bits.", "max_distance")
    radius = limit if distance is None else distance
    matched = await provided.lookups.look_up(key, account, parsed.queries, radius)
    return await _response(matched, parsed.image_ids)


async def _response(matched: Matched, image_ids: Sequence[str | None]) -> Response:
    """Write the response without a schema: this is the busiest route, and needs no validation."""
    written = []
    for start in range(0, len(matched.hits), _HITS_A_TURN):
        if start:
            await asyncio.sleep(0)  # others' turn
        written.append(_written(matched.hits[start : start + _HITS_A_TURN], image_ids))
    truncated = json.dumps(matched.truncated, separators=(",", ":")).encode()
    body = b'{"generation":%d,"hits":[%b],"truncated":%b}'
    return Response(body % (matched.generation, b",".join(written), truncated), media_type=JSON)


def _written(hits: Sequence[Hit], image_ids: Sequence[str | None]) -> bytes:
    """Return hits as the members of a JSON array, without its brackets."""
    rows = [
        {
            "query": hit.query,
            **({"image": image_ids[hit.query]} if image_ids and image_ids[hit.query] else {}),
            "record": str(hit.record),
            "distance": hit.distance,
            "view": hit.view.value,
            "standing": hit.standing.value,
            "suspect": hit.suspect,
        }
        for hit in hits
    ]
    return json.dumps(rows, separators=(",", ":")).encode()[1:-1]
