"""Which methods a path has: for OPTIONS, for 405, and HEAD where GET does nothing but answer."""

from collections.abc import Iterable

from fastapi import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

_WITH_HEAD = frozenset({"/", "/staff", "/docs", "/openapi.json", "/healthz", "/readyz"})
"""HEAD would record that a platform received a page of the feed: only pages and health have it."""


def methods_of(routes: Iterable[BaseRoute], path: str) -> list[str]:
    """Return the methods of a path, sorted; none if there is no such path."""
    found = {
        method
        for route in routes
        if isinstance(route, Route) and route.path_regex.match(path)
        for method in route.methods or ()
    }
    if found:
        found |= {"HEAD", "OPTIONS"} if path in _WITH_HEAD else {"OPTIONS"}
    return sorted(found)


class HeadAndOptions:
    """ASGI middleware: answers HEAD like GET, without the body, and OPTIONS with the methods."""

    def __init__(self, app: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        self._app = app
        self._routes = list(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        method, path = scope.get("method"), scope.get("path", "")
        if method == "HEAD" and path in _WITH_HEAD:
            scope = {**scope, "method": "GET"}  # uvicorn leaves the body out
        if method == "OPTIONS" and (allowed := methods_of(self._routes, path)):
            await Response(status_code=204, headers={"Allow": ", ".join(allowed)})(
                scope, receive, send
            )
            return
        await self._app(scope, receive, send)
