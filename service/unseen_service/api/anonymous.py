"""Requests without an active key: they get a limited share of the event loop."""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import StillLoading
from ..ratelimit.loop_share import LoopShare
from .authentication import sends_active_key

_CHECKS = frozenset({"/healthz", "/readyz"})


class AnonymousRequests:
    """ASGI middleware: starts requests without an active key within `share`, all others at once."""

    def __init__(self, app: ASGIApp, share: LoopShare) -> None:
        self._app = app
        self._share = share

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or _has_key(scope):
            await self._app(scope, receive, send)
            return

        async def serve() -> None:
            # The client may have disconnected while its request waited.
            if not scope["state"].get("is_disconnected", bool)():
                await self._app(scope, receive, send)

        await self._share.run(serve, is_check=scope["path"] in _CHECKS)


def _has_key(scope: Scope) -> bool:
    try:
        return sends_active_key(Request(scope))
    except StillLoading:
        return False
