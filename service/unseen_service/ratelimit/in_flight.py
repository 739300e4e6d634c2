"""How many hashes a key family has in lookups that are not answered yet, at one worker."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import TooManyAtOnce

SMALL = 64
"""Lookups of so few hashes are not counted: a partner's batches never refuse its single uploads."""


class InFlight:
    """A cap per key family: a partner's large lookups wait for each other, not others for them."""

    def __init__(self, limit: int) -> None:
        """Allow up to `limit` hashes at once. A family's only large lookup is always allowed."""
        self._limit = limit
        self._hashes: dict[int, int] = {}

    @contextmanager
    def hold(self, family_id: int, hashes: int) -> Iterator[None]:
        """Count hashes during the block. Raises TooManyAtOnce."""
        if hashes <= SMALL:
            yield
            return
        held = self._hashes.get(family_id, 0)
        if held and held + hashes > self._limit:
            raise TooManyAtOnce(self._limit)
        self._hashes[family_id] = held + hashes
        try:
            yield
        finally:
            self._hashes[family_id] -= hashes
            if not self._hashes[family_id]:
                del self._hashes[family_id]
