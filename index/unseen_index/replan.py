"""Better thresholds for a query whose buckets are unusually full.

Buckets that are crowded, by chance or on purpose, are best avoided: give their part a lower
threshold and other parts a higher one. Dynamic programming over the parts finds the cheapest
thresholds from the exact sizes of the query's buckets (as in GPH, see plan.py).
"""

import numpy as np
import numpy.typing as npt

from .intrinsics import LANES, near_mask, popcount
from .jit import jit
from .layout import BUCKETS, PART_BITS, PARTS, SegmentArrays
from .plan import ENTRY, FLIPS, PROBE, SHELLS, VERIFY, Plan

_RAISES = (1, 2)  # how far above the plan's a threshold may go: first try, second try


@jit
def better_thresholds(
    parts: npt.NDArray[np.uint16], plan: Plan, arrays: SegmentArrays
) -> tuple[npt.NDArray[np.int8], float]:
    """Return the cheapest thresholds for a query (parts: uint16[16]), and their cost in ns."""
    thresholds, cost = plan.thresholds.copy(), np.inf
    for rise in _RAISES:
        highest = min(plan.thresholds.max() + rise, PART_BITS)
        thresholds, cost = _cheapest(_costs(parts, highest, plan, arrays), plan.radius + 1)
        if cost <= plan.replan_cost:
            break
    return thresholds, cost


@jit
def _costs(
    parts: npt.NDArray[np.uint16], highest: int, plan: Plan, arrays: SegmentArrays
) -> npt.NDArray[np.float64]:
    """Return the cost of each part at the thresholds -1 to highest: float64[16, highest + 2]."""
    n, starts = len(arrays.ids), arrays.starts
    costs = np.zeros((PARTS, highest + 2))
    for part in range(PARTS):
        key, buckets = parts[(part + 1) % PARTS], part * (BUCKETS + 1)
        for weight in range(highest + 1):
            cost = costs[part, weight]
            for place in range(SHELLS[weight], SHELLS[weight + 1]):
                bucket = buckets + np.int64(parts[part] ^ FLIPS[place])
                size = np.int64(starts[bucket + 1]) - np.int64(starts[bucket])
                cost += PROBE + size * ENTRY
                if size > plan.heavy_bucket:
                    middle = part * n + np.int64(starts[bucket]) + size // 2
                    bound = max(2 * plan.thresholds.max() + 1 - weight, 0)
                    cost += size * VERIFY * _pass_rate(arrays, middle, key, bound)
            costs[part, weight + 1] = cost
    return costs


@jit
def _pass_rate(arrays: SegmentArrays, entry: np.int64, key: np.uint16, bound: int) -> float:
    """Estimate from LANES entries of a bucket what fraction passes the filter (0 to 1)."""
    mask = near_mask(arrays.next_parts, entry, key, np.uint16(bound))
    rate: float = popcount(np.uint64(mask)) / LANES
    return rate


@jit
def _cheapest(costs: npt.NDArray[np.float64], budget: int) -> tuple[npt.NDArray[np.int8], float]:
    """Divide the budget among the parts at the least total cost, costs[part, share] each."""
    least = np.full((PARTS + 1, budget + 1), np.inf)
    best_share = np.zeros((PARTS, budget + 1), np.int64)
    least[0, 0] = 0.0
    for part in range(PARTS):
        for total in range(budget + 1):
            for share in range(min(costs.shape[1], total + 1)):
                cost = least[part, total - share] + costs[part, share]
                if cost < least[part + 1, total]:
                    least[part + 1, total], best_share[part, total] = cost, share
    thresholds = np.empty(PARTS, np.int8)
    total = budget
    for part in range(PARTS - 1, -1, -1):
        thresholds[part] = best_share[part, total] - 1
        total -= best_share[part, total]
    return thresholds, least[PARTS, budget]
