"""The busiest route, reached without the router.

Routing and dependencies took more than half of a lookup's time (docs/benchmarks.md). The route is
registered with the router too, which describes it in openapi.yaml; requests take this path.
"""

from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from . import problems


class FastPath:
    """ASGI middleware: calls a function for one method and path, and passes on everything else."""

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
            return  # the client hung up while sending its body: nobody reads a response
        except Exception as error:  # noqa: BLE001 - like the router: every error gets a response
            response = problems.answer(request, error)
        await response(scope, receive, send)
