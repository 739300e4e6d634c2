"""The keys in memory: a look-up must be answered when PostgreSQL is away."""

from ..credentials import key_digest
from ..errors import NotAuthenticated, ScopeMissing, StillLoading
from ..models.keys import Key, KeyStatus, Scope
from ..store import Store, keys
from .clock import Clock


class LiveKeys:
    """Every key that is in force, by digest. They expire by the clock that is given."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_digest: dict[bytes, Key] | None = None

    async def reload(self, store: Store) -> None:
        """Read the keys anew."""
        async with store.transaction() as tx:
            everything = await keys.read_all(tx)
        now = self._clock.now()
        in_force = [key for key in everything if key.status(now) is KeyStatus.IN_FORCE]
        self._by_digest = {key.digest: key for key in in_force}

    def authenticate(self, key: str | None, scope: Scope | None) -> Key:
        """Find who holds this key, any in force (None) or one with a scope.

        Raises NotAuthenticated, ScopeMissing or StillLoading.

        It is looked up by its SHA-256: what a comparison's time could tell is of a digest that
        nobody can choose.
        """
        if self._by_digest is None:
            raise StillLoading
        found = self._by_digest.get(key_digest(key)) if key else None
        if found is None or found.status(self._clock.now()) is not KeyStatus.IN_FORCE:
            raise NotAuthenticated
        if scope is not None and scope not in found.scopes:
            raise ScopeMissing(scope.value)
        return found
