"""How many hashes a key family has in lookups that are not answered yet, at one worker."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import TooManyAtOnce

SMALL = 64
"""Lookups of so few hashes are not counted: a partner's batches never refuse its single uploads."""
REFUSAL_DELAY_S = 1.0
"""Before a refusal: whoever sends the same again at once must not keep the worker busy with it."""


class InFlight:
    """A cap per key family: a partner's large lookups wait for each other, not others for them."""

    def __init__(self, limit: int) -> None:
        """Allow up to `limit` hashes at once. A family's only large lookup is always allowed."""
        self._limit = limit
        self._hashes: dict[int, int] = {}

    async def require_room(self, family_id: int, hashes: int) -> None:
        """Raise TooManyAtOnce, after a while, if so many more hashes are not allowed now."""
        if hashes > SMALL and not self._has_room(family_id, hashes):
            await asyncio.sleep(REFUSAL_DELAY_S)
            raise TooManyAtOnce(self._limit)

    @contextmanager
    def hold(self, family_id: int, hashes: int) -> Iterator[None]:
        """Count hashes during the block. Raises TooManyAtOnce."""
        if hashes <= SMALL:
            yield
            return
        if not self._has_room(family_id, hashes):
            raise TooManyAtOnce(self._limit)
        self._hashes[family_id] = self._hashes.get(family_id, 0) + hashes
        try:
            yield
        finally:
            self._hashes[family_id] -= hashes
            if not self._hashes[family_id]:
                del self._hashes[family_id]

    def _has_room(self, family_id: int, hashes: int) -> bool:
        held = self._hashes.get(family_id, 0)
        return not held or held + hashes <= self._limit
