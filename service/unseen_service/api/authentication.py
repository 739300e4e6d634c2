"""Who asks: `Authorization: Bearer <key>`, held against the keys in memory."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ..models import Key, Scope
from .services import Provided

_bearer = HTTPBearer(auto_error=False, scheme_name="key", description="A key of a platform.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def key_with(scope: Scope) -> Callable[..., Awaitable[Key]]:
    """Make a dependency that demands a key with this scope."""

    async def authenticated(provided: Provided, credentials: Credentials) -> Key:
        return provided.keys.authenticate(credentials.credentials if credentials else None, scope)

    return authenticated
