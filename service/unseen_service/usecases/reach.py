"""What one lookup reaches, and what it tells: its radius, and how exactly distances are told."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from unseen_index import Hits

from ..live.usage_meter import Detail
from ..models.hashes import MATCH_RADIUS

_STEPS = np.array((0, 8, 16, 24, 31))
"""The distances, in bits, that a key with coarse distances sees."""

Ints = npt.NDArray[np.int64]


@dataclass(slots=True)
class Reach:
    """The radius that a lookup asked for, in bits, and the most detail that its key gets.

    Near a hash that a platform probes it gets less. That is kept here by hash: it is told of all
    queries near the hash alike.
    """

    radius: int
    detail: Detail
    _less: dict[int, int] = field(default_factory=dict)

    def limit(self, found: Hits, near: Ints) -> Hits:
        """Return the hits within reach, by the distances that are told.

        `near` is what may be told of each hit, as a `Detail`: int64[n].
        """
        for place in np.flatnonzero(near > self.detail).tolist():
            hash_id = int(found.ids[place])
            self._less[hash_id] = max(self._less.get(hash_id, 0), int(near[place]))
        details = np.maximum(near, self.detail)
        widest = np.array([self.radius, _step(self.radius), max(self.radius, MATCH_RADIUS)])
        return found.only(_told(found.distances.astype(np.int64), details) <= widest[details])

    def told(self, hash_ids: Ints, distances: Ints) -> Ints:
        """Return the distances to tell of hits: int64[n]."""
        details = np.full(len(hash_ids), self.detail, np.int64)
        for hash_id, detail in self._less.items():
            details[hash_ids == hash_id] = detail
        return _told(distances, details)


def _step(distance: int) -> int:
    """Round a distance up to a step; those beyond the last step stay as they are."""
    return next((int(step) for step in _STEPS if distance <= step), distance)


def _told(exact: Ints, details: Ints) -> Ints:
    """Return the distances to tell, by the `Detail` of each: as they are, by steps, or none."""
    last = _STEPS[-1]
    steps = _STEPS[np.searchsorted(_STEPS, np.minimum(exact, last))]
    coarse = np.where(exact > last, exact, steps)
    return np.choose(details, (exact, coarse, np.maximum(exact, MATCH_RADIUS)))
