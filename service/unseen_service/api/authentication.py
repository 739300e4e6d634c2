"""Authentication of platforms and staff by key, and the reason that staff give for a read."""

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

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="key",
    description="The key of a platform or of staff, issued by the service's operator.",
)
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def require_key(scope: Scope | None) -> Callable[..., Awaitable[Key]]:
    """Return a dependency that requires an active key with this scope (None: any scope)."""

    async def authenticate(provided: Provided, request: Request, credentials: Credentials) -> Key:
        key = provided.keys.authenticate(credentials.credentials if credentials else None, scope)
        request.state.account = provided.meter.admit(key)
        return key

    return authenticate


async def registered_key(provided: Provided, request: Request, credentials: Credentials) -> Key:
    """Return the key that was sent, also if it is not active yet, for what its holder does."""
    key = provided.keys.find(credentials.credentials if credentials else None)
    request.state.account = provided.meter.admit(key)
    return key


def charge_writes(provided: Services, request: Request, hashes: int) -> None:
    """Charge the key of an authenticated request for hashes that it changes. Raises BudgetSpent."""
    provided.meter.charge_writes(request.state.account, hashes)


RegisteredKey = Annotated[Key, Depends(registered_key)]


def authenticate_lookup(provided: Services, request: Request) -> tuple[Key, Account]:
    """Return the key of a lookup, which bypasses the dependencies, and its admitted account."""
    scheme, credentials = get_authorization_scheme_param(request.headers.get("authorization"))
    key = provided.keys.authenticate(
        credentials if scheme.lower() == "bearer" else None, Scope.MATCH
    )
    account = request.state.account = provided.meter.admit(key)
    return key, account


def sends_active_key(request: Request) -> bool:
    """Return whether a request has an active key, of any scope. Raises StillLoading.

    It is asked before the body is read, and charges nothing.
    """
    provided: Services = request.app.state.services
    scheme, credentials = get_authorization_scheme_param(request.headers.get("authorization"))
    key = credentials if scheme.lower() == "bearer" else request.headers.get(_FUNCTION_HEADER)
    try:
        provided.keys.authenticate(key, None)
    except NotAuthenticated:
        return False
    return True


def require_staff(scope: Scope) -> Callable[..., Awaitable[Staff]]:
    """Return a dependency that requires a key with this scope, and yields its holder."""

    async def authenticate(key: Annotated[Key, Depends(require_key(scope))]) -> Staff:
        return actors.staff(key)

    return authenticate


AnyKey = Annotated[Key, Depends(require_key(None))]
Auditor = Annotated[Staff, Depends(require_staff(Scope.AUDIT))]
Admin = Annotated[Staff, Depends(require_staff(Scope.ADMIN))]

_FUNCTION_HEADER, _SUBSCRIPTION_HEADER = "x-functions-key", "Ocp-Apim-Subscription-Key"
_function = APIKeyHeader(
    name=_FUNCTION_HEADER,
    scheme_name="function key",
    description="A key with the scope that the operation requires.",
    auto_error=False,
)
_subscription = APIKeyHeader(
    name=_SUBSCRIPTION_HEADER,
    scheme_name="subscription key",
    description="The same key, or any other active key of the same platform.",
    auto_error=False,
)
_HOW = (
    f"it as '{_FUNCTION_HEADER}', and it or another of the same platform as "
    f"'{_SUBSCRIPTION_HEADER}'"
)


def require_protocol_keys(scope: Scope) -> Callable[..., Awaitable[Key]]:
    """Return a dependency that requires the two keys that the StopNCII protocol sends.

    The function key must have the scope. The subscription key may be the same one, or any active
    key of the same platform.
    """

    async def authenticate(
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

    return authenticate


async def _checked_reason(
    unseen_reason: Annotated[
        str,
        Header(
            alias="Unseen-Reason",
            max_length=2_000,
            description="Why you need this, for the audit log: one line of 1 to 200 characters "
            "without case numbers, PINs, hashes or IP addresses. Percent-encode anything that is "
            "not ASCII, as UTF-8.",
            examples=["appeal of a platform, ticket 4711"],
        ),
    ],
) -> str:
    return actors.checked_text(unquote(unseen_reason), "header.Unseen-Reason", "A reason")


Reason = Annotated[str, Depends(_checked_reason)]
