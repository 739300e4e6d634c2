"""Routes with a JSON body: it is read, counted and parsed before FastAPI sees it.

FastAPI reads and parses a body before any dependency runs, so that anyone without a key could have
megabytes parsed. Here a large body is read only with an active key, or where the route is open.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from ..errors import NotAuthenticated
from . import json_guard
from .authentication import sends_active_key
from .bodies import require_json
from .json_guard import SMALL, BodyLimits

CASES = BodyLimits(1280 * 1024, 49_152)
"""A thousand images in eight views are about 1 MB and 36,000 values."""
FEEDBACK = BodyLimits(2 * 1024 * 1024, 32_768)
"""A thousand records with sixteen tags each are 22,000 values."""
STOPNCII = BodyLimits(2 * 1024 * 1024, 163_840)
"""Ten thousand hashes with feedback and a few tags each."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class JsonRoute(APIRoute):
    """A route whose body, if it has one, is JSON within limits; large ones require a key."""

    limits = SMALL
    is_open = False
    """Whether anyone may send a body of this size, without a key."""

    def get_route_handler(self) -> Handler:
        """Return the handler: it reads and parses the body, then calls FastAPI's."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def handle_parsed(request: Request) -> Response:
            await require_json(request)
            body = await self._read(request)
            parsed = json_guard.parse(body, self.limits.values) if body else None
            return await handle(_ParsedRequest(request, body, parsed))

        return handle_parsed

    async def _read(self, request: Request) -> bytes:
        allowed = self.limits.bytes
        if not self.is_open and not sends_active_key(request):
            allowed = min(allowed, SMALL.bytes)
        declared = request.headers.get("content-length", "0")
        if int(declared) > allowed:
            self._refuse(allowed)
        chunks, size = [], 0
        try:
            async for chunk in request.stream():
                size += len(chunk)
                if size > allowed:
                    self._refuse(allowed)
                chunks.append(chunk)
        except ClientDisconnect:
            raise HTTPException(400) from None  # nobody reads the response
        return b"".join(chunks)

    def _refuse(self, allowed: int) -> None:
        if allowed < self.limits.bytes:
            raise NotAuthenticated
        raise HTTPException(413, f"A body here has at most {allowed} bytes. Send less at a time.")


class CaseRoute(JsonRoute):
    """For submissions: the one large body that needs no key."""

    limits = CASES
    is_open = True


class FeedbackRoute(JsonRoute):
    """For feedback and confirmations."""

    limits = FEEDBACK


class StopNciiRoute(JsonRoute):
    """For the StopNCII protocol."""

    limits = STOPNCII


class _ParsedRequest(Request):
    """A request whose body is read and parsed."""

    def __init__(self, request: Request, body: bytes, parsed: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._bytes, self._parsed = body, parsed

    async def body(self) -> bytes:
        """Return the body."""
        return self._bytes

    async def json(self) -> Any:
        """Return what the body says."""
        return self._parsed
