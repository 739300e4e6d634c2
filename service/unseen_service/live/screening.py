"""The screening state in memory: drawn and benign hashes, submission level, secret."""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from unseen_index import HashTable

from ..errors import StillLoading
from ..models.hashes import MATCH_RADIUS
from ..models.screening import ScreeningState
from ..screening.degenerate import load_drawn_hashes, rejection_reasons
from ..screening.proof_of_work import Challenges
from ..store import Store, benign_hashes, screening
from .clock import Clock

DRAWN = "It is, or is close to, the hash of a plain, shaded, striped or checkered surface."

_MINUTE = 60.0


class LiveScreening:
    """The hashes that submissions are screened against, and the level that sets the price."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._drawn = _table(load_drawn_hashes())
        self._benign = HashTable()
        self._state: ScreeningState | None = None
        self._read_at = 0.0

    async def reload(self, store: Store) -> None:
        """Reload the level, and the benign bank if it has changed. Raises StoreUnavailable."""
        async with store.transaction() as tx:
            state = await screening.state(tx)
            if self._state is None or self._state.bank != state.bank:
                self._benign = _table(await benign_hashes.read_hashes(tx))
        self._state, self._read_at = state, time.monotonic()

    def level(self) -> float:
        """Return about how many hashes all workers admitted in the last minute."""
        return self._known().level * float(np.exp((self._read_at - time.monotonic()) / _MINUTE))

    def note_level(self, level: float) -> None:
        """Set the level that was just read, before the next reload."""
        self._state, self._read_at = replace(self._known(), level=level), time.monotonic()

    def challenges(self) -> Challenges:
        """Return what issues and checks challenges, the same on every host. Raises StillLoading."""
        return Challenges(self._known().secret, lambda: self._clock.now().timestamp())

    def degenerate(self, hashes: npt.NDArray[np.uint8]) -> list[str | None]:
        """Return why each hash (uint8[n, 32]) cannot be of a picture; None if it can."""
        near = _near(self._drawn, hashes)
        return [
            why or (DRAWN if n else None)
            for why, n in zip(rejection_reasons(hashes), near, strict=True)
        ]

    def benign(self, hashes: npt.NDArray[np.uint8]) -> Sequence[bool]:
        """Return whether each hash (uint8[n, 32]) is close to a benign one."""
        return _near(self._benign, hashes)

    def _known(self) -> ScreeningState:
        if self._state is None:
            raise StillLoading
        return self._state


def _table(hashes: npt.NDArray[np.uint8]) -> HashTable:
    table = HashTable()
    if len(hashes):
        table.add(np.arange(len(hashes), dtype=np.int64), hashes)
    return table


def _near(table: HashTable, hashes: npt.NDArray[np.uint8]) -> list[bool]:
    found: list[bool] = (np.diff(table.search(hashes, MATCH_RADIUS, nearest=1).limits) > 0).tolist()
    return found
