"""The keys in memory: a look-up must be answered when PostgreSQL is away."""

import hashlib

from ..errors import NotAuthenticated, ScopeMissing, StillLoading
from ..models import Key, Scope
from ..store import Store, keys


class LiveKeys:
    """Every key that is in force, by digest."""

    def __init__(self) -> None:
        self._by_digest: dict[bytes, Key] | None = None

    async def reload(self, store: Store) -> None:
        """Read the keys anew."""
        async with store.transaction() as tx:
            everything = await keys.read_all(tx)
        self._by_digest = {key.digest: key for key in everything if key.revoked_at is None}

    def authenticate(self, key: str | None, scope: Scope | None) -> Key:
        """Find who holds this key, with this scope or (None) with any.

        Raises NotAuthenticated, ScopeMissing or StillLoading.

        It is looked up by its SHA-256: what a comparison's time could tell is of a digest that
        nobody can choose.
        """
        if self._by_digest is None:
            raise StillLoading
        found = self._by_digest.get(digest(key)) if key else None
        if found is None:
            raise NotAuthenticated
        if scope is not None and scope not in found.scopes:
            raise ScopeMissing(scope.value)
        return found


def digest(key: str) -> bytes:
    """Give what is kept of a key: SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(key.encode()).digest()
