"""Routes with a JSON body: it is read, counted and parsed before FastAPI sees it.

FastAPI reads and parses a body before any dependency runs, so that anyone without a key could have
megabytes parsed. Here a large body is read only with an active key, or where the route is open.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from ..errors import NotAuthenticated
from . import json_guard
from .authentication import sends_active_key
from .bodies import require_json
from .dependencies import Services
from .json_guard import SMALL, BodyLimits

CASES = BodyLimits(1280 * 1024, 49_152)
"""A thousand images in eight views are about 1 MB and 36,000 values."""
FEEDBACK = BodyLimits(2 * 1024 * 1024, 32_768)
"""A thousand records with sixteen tags each are 22,000 values."""
STOPNCII = BodyLimits(2 * 1024 * 1024, 163_840)
"""Ten thousand hashes with feedback and a few tags each."""
LARGE = 4 * 1024
"""From this size on, bodies of requests without a key are processed one at a time at a worker."""
REST = 3.0
"""How many times longer than it took to process one, none is processed: they get part of a core."""
MAX_LARGE_BODIES = 32
"""Large bodies that wait for their turn."""

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
            if len(body) < LARGE or sends_active_key(request):
                return await self._handle(handle, request, body)
            services: Services = request.app.state.services
            async with services.large_bodies.turn(None):
                await services.anonymous_share.wait()
                return await self._handle(handle, request, body)

        return handle_parsed

    async def _handle(self, handle: Handler, request: Request, body: bytes) -> Response:
        parsed = json_guard.parse(body, self.limits.values) if body else None
        await asyncio.sleep(0)  # parsing took milliseconds if the body is large, as checking will
        return await handle(_ParsedRequest(request, body, parsed))

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
