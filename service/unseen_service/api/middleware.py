"""What applies to every request: limits on body and headers, security headers on the response."""

import time
from collections import Counter
from collections.abc import Sequence

from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problems import Spot, problem

_NO_STORE = (b"cache-control", b"no-store")
_HEADERS = [
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_SENT_ONCE = frozenset(
    {
        b"authorization",
        b"content-type",
        b"idempotency-key",
        b"ocp-apim-subscription-key",
        b"unseen-pin",
        b"unseen-reason",
        b"unseen-work",
        b"x-functions-key",
    }
)
"""Headers that decide what is done, and for whom: a proxy could read another one than we do."""
_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


class BodyLimitAndHeaders:
    """ASGI middleware: rejects bodies over `max_body` bytes and adds security headers."""

    def __init__(self, app: ASGIApp, max_body: int) -> None:
        self._app = app
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        secured_send = _with_headers(scope, send)
        headers = dict(scope["headers"])
        if len(headers) < len(scope["headers"]) and (name := _sent_twice(scope["headers"])):
            await _refuse_header(name)(scope, receive, secured_send)
            return
        declared = headers.get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > self._max_body:
            await self._reject(scope, receive, secured_send)
            return
        await self._app(scope, self._limited(receive), secured_send)

    def _limited(self, receive: Receive) -> Receive:
        left = self._max_body

        async def limited() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413, self._detail())
            return message

        return limited

    async def _reject(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = problem(413, "body-too-large", "The body is too large", self._detail())
        response.headers["connection"] = "close"
        await response(scope, receive, send)

    def _detail(self) -> str:
        return f"A body has at most {self._max_body} bytes. Send less at a time."


def _sent_twice(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """Return the name of a header that must be sent at most once, and was sent twice."""
    counts = Counter(name for name, _ in headers)
    return next((name.decode() for name in _SENT_ONCE if counts[name] > 1), None)


def _refuse_header(name: str) -> JSONResponse:
    spot = Spot(at=f"header.{name}", detail="It is sent at most once.")
    detail = f"The header {name} is sent at most once."
    return problem(422, "invalid-request", "The request breaks a rule", detail, spots=[spot])


def _with_headers(scope: Scope, send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message.setdefault("headers", [])
            headers.extend(_HEADERS)
            account = scope.get("state", {}).get("account")
            if account is not None:
                headers.extend(account.headers(time.monotonic()))
            # A page has its own policy, and may be kept; everything else may load nothing.
            own = {name for name, _ in headers}
            headers.extend(each for each in (_POLICY, _NO_STORE) if each[0] not in own)
        await send(message)

    return send_with_headers
