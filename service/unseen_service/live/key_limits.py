"""The limits of keys in memory, by line: read anew whenever keys change."""

from ..models.keys import KeyLimits
from ..store import Store, key_limits


class LiveKeyLimits:
    """What each line of keys may do, where it differs from the service's settings."""

    def __init__(self, requests_per_minute: int, hashes_per_minute: int) -> None:
        self._requests = requests_per_minute
        self._hashes = hashes_per_minute
        self._by_line: dict[int, KeyLimits] = {}

    async def reload(self, store: Store) -> None:
        """Read them anew."""
        async with store.transaction() as tx:
            everything = await key_limits.read_all(tx)
        self._by_line = {each.line: each for each in everything}

    def capacities(self, line: int) -> tuple[int, int]:
        """Give requests and hashes a minute; 0: without a limit."""
        found = self._by_line.get(line)
        if found is None:
            return self._requests, self._hashes
        requests, hashes = found.requests_per_minute, found.hashes_per_minute
        return (
            self._requests if requests is None else requests,
            self._hashes if hashes is None else hashes,
        )

    def paused(self, line: int) -> bool:
        """Whether its keys are paused."""
        found = self._by_line.get(line)
        return found is not None and found.paused_at is not None

    def coarse(self, line: int) -> bool:
        """Whether its answers give distances in steps."""
        found = self._by_line.get(line)
        return found is not None and found.coarse
