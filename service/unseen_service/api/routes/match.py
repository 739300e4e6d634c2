"""Lookups, for platforms."""

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from ...errors import InvalidRequest
from ...models.lookups import Matched
from ..authentication import authenticate_lookup
from ..bodies import JSON, read_match_body
from ..dependencies import Services
from ..openapi import BODY_PROBLEMS, MATCH_REQUEST, keyed_responses
from ..router import make_router
from ..schemas import match as schemas

router = make_router(tags=["platform"])


@router.post(
    "/v1/match",
    response_model=schemas.MatchOut,
    openapi_extra=MATCH_REQUEST,
    responses=keyed_responses(*BODY_PROBLEMS),
)
async def match(request: Request) -> Response:
    """Look up hashes.

    Returns the stored hashes that are close to those sent, as JSON or as raw bytes. Every hit is
    recorded in the audit log before it is returned. Requires the scope `match`.
    """
    provided: Services = request.app.state.services
    key, account = authenticate_lookup(provided, request)
    queries, distance = await read_match_body(request)
    limit = provided.settings.max_distance
    if distance is not None and distance > limit:
        raise InvalidRequest(f"max_distance is at most {limit} bits.", "max_distance")
    radius = limit if distance is None else distance
    return _response(await provided.lookups.look_up(key, account, queries, radius))


def _response(matched: Matched) -> Response:
    """Write the response without a schema: this is the busiest route, and needs no validation."""
    if not matched.hits:
        return Response(b'{"generation":%d,"hits":[]}' % matched.generation, media_type=JSON)
    hits = [
        {
            "query": hit.query,
            "record": str(hit.record),
            "distance": hit.distance,
            "view": hit.view.value,
            "standing": hit.standing.value,
            "suspect": hit.suspect,
        }
        for hit in matched.hits
    ]
    return JSONResponse({"generation": matched.generation, "hits": hits})
