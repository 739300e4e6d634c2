"""Refuse query parameters that a call does not have, or that are given twice.

A parameter that is ignored without a word is worse than an error: whoever misspells `limit`, or
gives `max_distance` where it does not count, gets another answer than they asked for. This holds
for the service's own API (/v1). The pages and the StopNCII protocol ignore what they do not know:
links get parameters on the way, and that protocol's clients may send more than they need.
"""

import re
from collections.abc import Collection

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from ..errors import InvalidRequest

_PREFIX = "/v1/"
_SHOWN = re.compile("[A-Za-z_]{1,24}")


async def check_query(request: Request) -> None:
    """Check the parameters of a request to /v1 (a dependency). Raises InvalidRequest."""
    route = request.scope.get("route")
    if not request.scope["query_string"] or not isinstance(route, APIRoute):
        return
    if route.path.startswith(_PREFIX):
        check_names(request, _known(route.dependant))


def check_names(request: Request, known: Collection[str]) -> None:
    """Raise InvalidRequest for a query parameter that is not known, or is given twice."""
    given = [name for name, _ in request.query_params.multi_items()]
    for name in given:
        # An unknown name may be anything, even a key: it is shown only if it looks like a name.
        place = f"query.{name}" if _SHOWN.fullmatch(name) else "query"
        if name not in known:
            has = f"has only: {', '.join(sorted(known))}" if known else "has none"
            raise InvalidRequest(f"There is no such query parameter; this call {has}.", place)
        if given.count(name) > 1:
            raise InvalidRequest("Give this query parameter once.", place)


def _known(dependant: Dependant) -> set[str]:
    """Return the query parameters of a route and of what it depends on."""
    names = {field.alias for field in dependant.query_params}
    return names.union(*map(_known, dependant.dependencies))
