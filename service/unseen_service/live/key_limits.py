"""The limits of key families in memory: reloaded whenever keys change."""

from ..models.keys import KeyLimits
from ..store import Store, key_limits


class LiveKeyLimits:
    """The limits of each key family, if they differ from the service's settings."""

    def __init__(
        self, requests_per_minute: int, hashes_per_minute: int, *, coarse: bool = True
    ) -> None:
        self._requests = requests_per_minute
        self._hashes = hashes_per_minute
        self._coarse = coarse
        self._by_family: dict[int, KeyLimits] = {}

    async def reload(self, store: Store) -> None:
        """Reload the limits. Raises StoreUnavailable."""
        async with store.transaction() as tx:
            limits = await key_limits.read_all(tx)
        self._by_family = {each.family_id: each for each in limits}

    def capacities(self, family_id: int) -> tuple[int, int]:
        """Return requests and hashes per minute; 0: no limit."""
        found = self._by_family.get(family_id)
        if found is None:
            return self._requests, self._hashes
        requests, hashes = found.requests_per_minute, found.hashes_per_minute
        return (
            self._requests if requests is None else requests,
            self._hashes if hashes is None else hashes,
        )

    def is_paused(self, family_id: int) -> bool:
        """Return whether the family's keys are paused."""
        found = self._by_family.get(family_id)
        return found is not None and found.paused_at is not None

    def is_coarse(self, family_id: int) -> bool:
        """Return whether the family sees distances in steps only."""
        found = self._by_family.get(family_id)
        return self._coarse if found is None or found.coarse is None else found.coarse
