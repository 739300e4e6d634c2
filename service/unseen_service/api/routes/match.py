"""The platforms' calls: look-ups."""

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from ...errors import InvalidRequest
from ...models.lookups import Matched
from ..authentication import lookup_key
from ..bodies import JSON, match_body
from ..dependencies import Services
from ..openapi import MATCH_REQUEST, keyed
from ..router import make_router
from ..schemas import match as schemas

router = make_router(tags=["platform"])


@router.post(
    "/v1/match",
    response_model=schemas.MatchOut,
    openapi_extra=MATCH_REQUEST,
    responses=keyed(413, 415, 422),
)
async def match(request: Request) -> Response:
    """Ask whether hashes are close to any that are kept; every hit is recorded."""
    provided: Services = request.app.state.services
    key, account = lookup_key(provided, request)
    queries, distance = await match_body(request)
    limit = provided.settings.max_distance
    if distance is not None and distance > limit:
        raise InvalidRequest(f"The distance may be {limit} bits at most.", "max_distance")
    radius = limit if distance is None else distance
    return _match_answer(await provided.lookups.look_up(key, account, queries, radius))


def _match_answer(matched: Matched) -> Response:
    """Write the answer by hand: this is the hot path, and its values are known to be plain."""
    if not matched.hits:
        return Response(b'{"generation":%d,"hits":[]}' % matched.generation, media_type=JSON)
    hits = [
        {
            "query": hit.query,
            "record": str(hit.record),
            "distance": hit.distance,
            "view": hit.view.value,
            "standing": hit.standing.value,
        }
        for hit in matched.hits
    ]
    return JSONResponse({"generation": matched.generation, "hits": hits})
