"""The query plan: a threshold for each part, or a scan if that is cheaper.

The generalised pigeonhole principle (Norouzi, Punjani and Fleet, "Fast exact search in Hamming
space with multi-index hashing", 2012; Qin et al., "GPH", 2018): give part i a threshold t[i] (-1:
unused) such that the t[i] + 1 add up to radius + 1. Any hash within the radius then has a part i
that differs from the query's in at most t[i] bits. The pigeonring principle (Qin and Xiao,
"Pigeonring", 2018) is stronger: for some such i, parts i and i + 1 together differ in at most
t[i] + t[i + 1] + 1 bits; otherwise the differences of the parts would add up to more than the
radius. Each entry of a part's table includes the row's next part, so this second test needs no
fetch of the row's hash.

The costs below are measured, in nanoseconds (docs/benchmarks.md); only their ratios matter.
"""

from functools import lru_cache
from itertools import pairwise
from math import comb
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .layout import BUCKETS, PART_BITS, PARTS

PROBE = 10.0  # look up a bucket and fetch its first entries
ENTRY = 0.1  # test an entry's next part
VERIFY = 8.0  # fetch a row's hash and compute its distance
SCAN = 1.0  # compare a row in a scan
SKEW = 4.0  # a query is replanned if it costs this many times the expected cost
SKEW_MARGIN = 2_000.0  # plus this much


class Plan(NamedTuple):
    """The plan for queries of one radius on a segment, and the costs at which to abandon it."""

    radius: int
    thresholds: npt.NDArray[np.int8]
    expected_cost: float  # of a query, if the hashes are uniform
    replan_cost: float  # above this, find better thresholds for the query
    scan_cost: float  # above this, scan
    heavy_bucket: int  # replanning samples a bucket of more entries than this


@lru_cache(maxsize=4096)
def plan(rows: int, radius: int) -> Plan | None:
    """Return the plan for searches of a segment; None if a scan is always cheaper."""
    thresholds = even_thresholds(radius)
    expected_cost, scan_cost = uniform_cost(thresholds, rows), SCAN * rows
    if expected_cost > scan_cost:
        return None
    replan_cost = min(SKEW * expected_cost + SKEW_MARGIN, scan_cost)
    heavy_bucket = 8 * rows // BUCKETS + 64
    thresholds.flags.writeable = False
    return Plan(radius, thresholds, expected_cost, replan_cost, scan_cost, heavy_bucket)


def even_thresholds(radius: int) -> npt.NDArray[np.int8]:
    """Divide radius + 1 evenly among the parts, spreading the remainder around the ring."""
    base, extra = divmod(radius + 1, PARTS)
    return np.array([base - 1 + (i * extra % PARTS < extra) for i in range(PARTS)], np.int8)


def uniform_cost(thresholds: npt.NDArray[np.int8], rows: int) -> float:
    """Return the cost of a query on this many uniform random hashes, in nanoseconds."""
    ring = [*(int(t) for t in thresholds), int(thresholds[0])]
    cost = 0.0
    for here, following in pairwise(ring):
        for weight in range(here + 1):
            probes = comb(PART_BITS, weight)
            entries = rows * probes / BUCKETS
            passing = _ball(here + following + 1 - weight) / BUCKETS
            cost += PROBE * probes + entries * (ENTRY + VERIFY * passing)
    return cost


def _ball(radius: int) -> int:
    """Return the number of part values within a distance."""
    return sum(comb(PART_BITS, weight) for weight in range(min(radius, PART_BITS) + 1))


def _flips() -> npt.NDArray[np.uint16]:
    values = np.arange(BUCKETS, dtype=np.uint16)
    return values[np.argsort(np.bitwise_count(values), kind="stable")]


FLIPS = _flips()  # all differences of a part, fewest bits first
# FLIPS[SHELLS[w] : SHELLS[w + 1]] are those of w bits.
SHELLS = np.array([_ball(weight - 1) for weight in range(PART_BITS + 2)])
FLIPS.flags.writeable = SHELLS.flags.writeable = False
