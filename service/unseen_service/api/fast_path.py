"""The busiest route, reached without the router.

Routing and dependencies took more than half of a look-up's time (docs/benchmarks.md). The route
stands among the others all the same, with the same function: they describe it, this runs it.
"""

from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from . import problems


class FastPath:
    """ASGI middleware: answers one method and path from a function, passes on all else."""

    def __init__(
        self,
        app: ASGIApp,
        method: str,
        path: str,
        endpoint: Callable[[Request], Awaitable[Response]],
    ) -> None:
        self._app = app
        self._method, self._path = method, path
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope.get("path") != self._path or scope.get("method") != self._method:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await self._endpoint(request)
        except ClientDisconnect:
            return  # it hung up in the middle of its body: there is nobody to answer
        except Exception as error:  # noqa: BLE001 - as the router does: everything is answered
            response = problems.answer(request, error)
        await response(scope, receive, send)
