"""The keys in memory: a lookup must be answered while PostgreSQL is unavailable."""

from ..credentials import key_digest
from ..errors import NotAuthenticated, ScopeMissing, StillLoading
from ..models.keys import Key, KeyStatus, Scope
from ..store import Store, keys
from .clock import Clock


class LiveKeys:
    """Every active key, by digest. They expire by the given clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_digest: dict[bytes, Key] | None = None

    async def reload(self, store: Store) -> None:
        """Reload the keys. Raises StoreUnavailable."""
        async with store.transaction() as tx:
            issued = await keys.read_all(tx)
        now = self._clock.now()
        active = [key for key in issued if key.status(now) is KeyStatus.IN_FORCE]
        self._by_digest = {key.digest: key for key in active}

    def authenticate(self, key: str | None, scope: Scope | None) -> Key:
        """Return the active key with this secret; `scope` is what it must be allowed to do, if any.

        Raises NotAuthenticated, ScopeMissing, StillLoading. The secret is looked up by its
        SHA-256: the timing of a comparison reveals something only about a digest that nobody can
        choose.
        """
        if self._by_digest is None:
            raise StillLoading
        found = self._by_digest.get(key_digest(key)) if key else None
        if found is None or found.status(self._clock.now()) is not KeyStatus.IN_FORCE:
            raise NotAuthenticated
        if scope is not None and scope not in found.scopes:
            raise ScopeMissing(scope.value)
        return found
