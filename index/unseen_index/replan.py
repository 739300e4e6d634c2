"""Better thresholds for one query whose buckets are unusually full.

Hashes that crowd into a bucket, by nature or on purpose, are cheapest left alone: give that
part a lower threshold and others a higher one. The best shares are found by dynamic programming
over the parts, from the exact sizes of the query's buckets (as in GPH, see plan.py).
"""

import numpy as np
import numpy.typing as npt

from .compiled import compiled
from .layout import BUCKETS, PART_BITS, PARTS
from .plan import ENTRY, FLIPS, PROBE, SHELLS, VERIFY, Plan

_RAISE = 2  # how far above the even share a threshold may go


@compiled
def better_thresholds(
    parts: npt.NDArray[np.uint16], plan: Plan, starts: npt.NDArray[np.uint32]
) -> tuple[npt.NDArray[np.int8], float]:
    """Return the cheapest thresholds for a query, and their cost in nanoseconds."""
    highest = min(plan.thresholds.max() + _RAISE, PART_BITS)
    costs = np.zeros((PARTS, highest + 2))
    for part in range(PARTS):
        own = starts[part * (BUCKETS + 1) :]
        for threshold in range(highest + 1):
            cost = costs[part, threshold]
            for place in range(SHELLS[threshold], SHELLS[threshold + 1]):
                bucket = np.int64(parts[part] ^ FLIPS[place])
                size = np.int64(own[bucket + 1]) - np.int64(own[bucket])
                cost += PROBE + size * (VERIFY if size > plan.heavy else ENTRY)
            costs[part, threshold + 1] = cost
    return _cheapest(costs, plan.radius + 1)


@compiled
def _cheapest(costs: npt.NDArray[np.float64], budget: int) -> tuple[npt.NDArray[np.int8], float]:
    """Spend the budget over the parts, costs[part, spent] each, for the least in all."""
    least = np.full((PARTS + 1, budget + 1), np.inf)
    spent = np.zeros((PARTS, budget + 1), np.int64)
    least[0, 0] = 0.0
    for part in range(PARTS):
        for total in range(budget + 1):
            for own in range(min(costs.shape[1], total + 1)):
                cost = least[part, total - own] + costs[part, own]
                if cost < least[part + 1, total]:
                    least[part + 1, total], spent[part, total] = cost, own
    thresholds = np.empty(PARTS, np.int8)
    total = budget
    for part in range(PARTS - 1, -1, -1):
        thresholds[part] = spent[part, total] - 1
        total -= spent[part, total]
    return thresholds, least[PARTS, budget]
