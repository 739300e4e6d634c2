"""Better thresholds for one query whose buckets are unusually full.

Hashes that crowd into a bucket, by nature or on purpose, are cheapest left alone: give that
part a lower threshold and others a higher one. The best shares are found by dynamic programming
over the parts, from the exact sizes of the query's buckets (as in GPH, see plan.py).
"""

import numpy as np
import numpy.typing as npt

from .intrinsics import LANES, near_mask, popcount
from .jit import compiled
from .layout import BUCKETS, PART_BITS, PARTS, Tables
from .plan import ENTRY, FLIPS, PROBE, SHELLS, VERIFY, Plan

_RAISES = (1, 2)  # how far above the even share a threshold may go, at first and then


@compiled
def better_thresholds(
    parts: npt.NDArray[np.uint16], plan: Plan, tables: Tables
) -> tuple[npt.NDArray[np.int8], float]:
    """Return the cheapest thresholds for a query, and their cost in nanoseconds."""
    thresholds, cost = plan.thresholds.copy(), np.inf
    for rise in _RAISES:
        highest = min(plan.thresholds.max() + rise, PART_BITS)
        thresholds, cost = _cheapest(_costs(parts, highest, plan, tables), plan.radius + 1)
        if cost <= plan.limit:
            break
    return thresholds, cost


@compiled
def _costs(
    parts: npt.NDArray[np.uint16], highest: int, plan: Plan, tables: Tables
) -> npt.NDArray[np.float64]:
    """Return what each part costs at the thresholds -1 to highest."""
    n, starts = len(tables.ids), tables.starts
    costs = np.zeros((PARTS, highest + 2))
    for part in range(PARTS):
        key, buckets = parts[(part + 1) % PARTS], part * (BUCKETS + 1)
        for weight in range(highest + 1):
            cost = costs[part, weight]
            for place in range(SHELLS[weight], SHELLS[weight + 1]):
                bucket = buckets + np.int64(parts[part] ^ FLIPS[place])
                size = np.int64(starts[bucket + 1]) - np.int64(starts[bucket])
                cost += PROBE + size * ENTRY
                if size > plan.heavy:
                    middle = part * n + np.int64(starts[bucket]) + size // 2
                    bound = max(2 * plan.thresholds.max() + 1 - weight, 0)
                    cost += size * VERIFY * _share_passing(tables, middle, key, bound)
            costs[part, weight + 1] = cost
    return costs


@compiled
def _share_passing(tables: Tables, entry: np.int64, key: np.uint16, bound: int) -> float:
    """Guess from LANES entries of a crowded bucket what share of it has to be verified."""
    mask = near_mask(tables.nexts, entry, key, np.uint16(bound))
    passing: float = popcount(np.uint64(mask)) / LANES
    return passing


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
