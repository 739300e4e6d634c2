"""What intake knows in memory: harmless hashes, how much is being submitted, the secret."""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from unseen_index import HashTable

from ..errors import StillLoading
from ..models.hashes import MATCH_RADIUS
from ..models.screening import ScreeningState
from ..screening.degenerate import drawn_hashes, faults
from ..screening.proof_of_work import Challenges
from ..store import Store, benign_hashes, screening
from .clock import Clock

DRAWN = "It is the hash of a plain, shaded, striped or checkered surface, or close to one."

_MINUTE = 60.0


class LiveScreening:
    """The banks that submissions are held against, and the level that sets the price."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._drawn = _table(drawn_hashes())
        self._benign = HashTable()
        self._state: ScreeningState | None = None
        self._read_at = 0.0

    async def reload(self, store: Store) -> None:
        """Read the level anew, and the bank where it is another."""
        async with store.transaction() as tx:
            state = await screening.state(tx)
            if self._state is None or self._state.bank != state.bank:
                self._benign = _table(await benign_hashes.benign_hashes(tx))
        self._state, self._read_at = state, time.monotonic()

    def level(self) -> float:
        """Give the hashes submitted in the last minute or so, on every worker together."""
        return self._known().level * float(np.exp((self._read_at - time.monotonic()) / _MINUTE))

    def taken(self, hashes: int) -> None:
        """Count a submission at once, before the level is read anew."""
        state = replace(self._known(), level=self.level() + hashes)
        self._state, self._read_at = state, time.monotonic()

    def challenges(self) -> Challenges:
        """Give what makes and checks challenges, on whichever host; raises StillLoading."""
        return Challenges(self._known().secret, lambda: self._clock.now().timestamp())

    def degenerate(self, hashes: npt.NDArray[np.uint8]) -> list[str | None]:
        """Say of each hash (uint8[n, 32]) whether it is of no picture, and why; None: it may be."""
        near = _near(self._drawn, hashes)
        return [why or (DRAWN if n else None) for why, n in zip(faults(hashes), near, strict=True)]

    def benign(self, hashes: npt.NDArray[np.uint8]) -> Sequence[bool]:
        """Say of each hash (uint8[n, 32]) whether it is close to a harmless one."""
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
    found: list[bool] = (np.diff(table.search(hashes, MATCH_RADIUS).limits) > 0).tolist()
    return found
