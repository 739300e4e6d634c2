"""Who asks: a key, held against those in memory."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from ..errors import NotAuthenticated
from ..models import Key, Scope
from .services import Provided

_bearer = HTTPBearer(auto_error=False, scheme_name="key", description="A key of a platform.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def key_with(scope: Scope) -> Callable[..., Key]:
    """Make a dependency that demands a key with this scope."""

    def authenticated(provided: Provided, credentials: Credentials) -> Key:
        return provided.keys.authenticate(credentials.credentials if credentials else None, scope)

    return authenticated


_FUNCTION, _SUBSCRIPTION = "x-functions-key", "Ocp-Apim-Subscription-Key"
_function = APIKeyHeader(name=_FUNCTION, scheme_name="function key", auto_error=False)
_subscription = APIKeyHeader(name=_SUBSCRIPTION, scheme_name="subscription key", auto_error=False)


def protocol_key_with(scope: Scope) -> Callable[..., Key]:
    """Make a dependency that demands keys as the StopNCII protocol sends them.

    The function key has the scope; the subscription key may be the same, or any in force of the
    same platform.
    """

    def authenticated(
        provided: Provided,
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
        return key

    return authenticated


_HOW = f"it as '{_FUNCTION}', and it or another of the same platform as '{_SUBSCRIPTION}'"
