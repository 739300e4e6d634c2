"""How a search is spread over the parts, and when a plain scan is cheaper.

The pigeonhole principle in its general form (Norouzi, Punjani and Fleet, "Fast exact search in
Hamming space with multi-index hashing", 2012; Qin et al., "GPH", 2018): let part i have the
threshold t[i] (-1: unused), with the t[i] + 1 adding up to radius + 1. A hash within the radius
then has a part i that differs from the query's in at most t[i] bits. The ring form (Qin and
Xiao, "Pigeonring", 2018) says more: there is such an i for which parts i and i + 1 together
differ in at most t[i] + t[i + 1] + 1 bits, for else the parts' differences would add up to more
than the radius. The tables hold each row's next part, so this second test is made before its
hash is fetched.

The costs below are nanoseconds, measured (docs/benchmarks.md); only their ratios matter.
"""

from functools import lru_cache
from itertools import pairwise
from math import comb
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .layout import BUCKETS, PART_BITS, PARTS

PROBE = 10.0  # look up one bucket and fetch its first entries
ENTRY = 0.1  # test one entry's next part
VERIFY = 8.0  # fetch one row's hash and count its bits
SCAN = 1.0  # compare one row in a plain scan
SKEW = 4.0  # a query this many times dearer than usual is planned anew
SKEW_FREE = 2_000.0  # and by at least this much


class Plan(NamedTuple):
    """The plan for queries of one radius on a segment, and when a query leaves it."""

    radius: int
    thresholds: npt.NDArray[np.int8]
    usual: float  # expected cost of a query if the hashes were uniform
    limit: float  # above this cost, look for better thresholds for this one query
    scan: float  # above this cost, scan
    heavy: int  # a bucket of more entries than this is looked into before it is chosen


@lru_cache(maxsize=4096)
def plan(rows: int, radius: int) -> Plan | None:
    """Plan searches of a segment; None when a scan is cheaper whatever the query."""
    thresholds = even_thresholds(radius)
    usual, scan = uniform_cost(thresholds, rows), SCAN * rows
    if usual > scan:
        return None
    limit = min(SKEW * usual + SKEW_FREE, scan)
    thresholds.flags.writeable = False
    return Plan(radius, thresholds, usual, limit, scan, 8 * rows // BUCKETS + 64)


def even_thresholds(radius: int) -> npt.NDArray[np.int8]:
    """Share radius + 1 out as evenly as can be, the parts with one more spread over the ring."""
    base, extra = divmod(radius + 1, PARTS)
    return np.array([base - 1 + (i * extra % PARTS < extra) for i in range(PARTS)], np.int8)


def uniform_cost(thresholds: npt.NDArray[np.int8], rows: int) -> float:
    """Return what a query would cost on that many uniform random hashes."""
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
    return sum(comb(PART_BITS, weight) for weight in range(min(radius, PART_BITS) + 1))


def _flips() -> npt.NDArray[np.uint16]:
    values = np.arange(BUCKETS, dtype=np.uint16)
    return values[np.argsort(np.bitwise_count(values), kind="stable")]


FLIPS = _flips()  # every way to differ in a part, fewest bits first
SHELLS = np.array(
    [_ball(weight - 1) for weight in range(PART_BITS + 2)]
)  # FLIPS of w bits start here
FLIPS.flags.writeable = SHELLS.flags.writeable = False
