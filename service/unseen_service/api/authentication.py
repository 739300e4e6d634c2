"""Who asks: `Authorization: Bearer <key>`, held against the keys in memory; and why."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, Header, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param

from ..errors import NotAuthenticated
from ..live.usage_meter import Account
from ..models.audit import Staff
from ..models.keys import Key, Scope
from ..usecases import actors
from .dependencies import Provided, Services

_bearer = HTTPBearer(auto_error=False, scheme_name="key", description="A key of a platform.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def key_with(scope: Scope | None) -> Callable[..., Awaitable[Key]]:
    """Make a dependency that demands a key with this scope; None: any that is in force."""

    async def authenticated(provided: Provided, request: Request, credentials: Credentials) -> Key:
        key = provided.keys.authenticate(credentials.credentials if credentials else None, scope)
        request.state.account = provided.meter.admit(key)
        return key

    return authenticated


def lookup_key(provided: Services, request: Request) -> tuple[Key, Account]:
    """Return the key of a lookup, which bypasses the dependencies, and its admitted account."""
    scheme, credentials = get_authorization_scheme_param(request.headers.get("authorization"))
    key = provided.keys.authenticate(
        credentials if scheme.lower() == "bearer" else None, Scope.MATCH
    )
    account = request.state.account = provided.meter.admit(key)
    return key, account


def staff_with(scope: Scope) -> Callable[..., Awaitable[Staff]]:
    """Make a dependency that demands a key with this scope, and says who holds it."""

    async def authenticated(key: Annotated[Key, Depends(key_with(scope))]) -> Staff:
        return actors.staff(key)

    return authenticated


Auditor = Annotated[Staff, Depends(staff_with(Scope.AUDIT))]
Admin = Annotated[Staff, Depends(staff_with(Scope.ADMIN))]

_FUNCTION, _SUBSCRIPTION = "x-functions-key", "Ocp-Apim-Subscription-Key"
_function = APIKeyHeader(name=_FUNCTION, scheme_name="function key", auto_error=False)
_subscription = APIKeyHeader(name=_SUBSCRIPTION, scheme_name="subscription key", auto_error=False)


def protocol_key_with(scope: Scope) -> Callable[..., Awaitable[Key]]:
    """Make a dependency that demands keys as the StopNCII protocol sends them.

    The function key has the scope; the subscription key may be the same, or any in force of the
    same platform.
    """

    async def authenticated(
        provided: Provided,
        request: Request,
        function: Annotated[str | None, Depends(_function)],
        subscription: Annotated[str | None, Depends(_subscription)],
    ) -> Key:
        try:
            holder = provided.keys.authenticate(subscription, None)
            key = provided.keys.authenticate(function, scope)
        except NotAuthenticated:
            raise NotAuthenticated(_HOW) from None
        if holder.platform_id != key.platform_id:
            raise NotAuthenticated(_HOW)
        request.state.account = provided.meter.admit(key)
        return key

    return authenticated


async def _reason(
    unseen_reason: Annotated[
        str,
        Header(
            alias="Unseen-Reason",
            max_length=2_000,
            description="Why this is read, for the audit log: a line of 1 to 200 characters, "
            "without case numbers, PINs, hashes or IP addresses. UTF-8, percent-encoded where "
            "it is not plain ASCII.",
            examples=["appeal of a platform, ticket 4711"],
        ),
    ],
) -> str:
    return actors.checked_text(unquote(unseen_reason), "header.Unseen-Reason", "A reason")


Reason = Annotated[str, Depends(_reason)]

_HOW = f"it as '{_FUNCTION}', and it or another of the same platform as '{_SUBSCRIPTION}'"
