"""The search of a segment: probe buckets, filter their entries, verify the candidates.

For each query: look up the buckets within the plan's thresholds and prefetch their first cache
lines; apply the pigeonring test (plan.py) to their entries, 32 at a time; compare the whole hash of
each entry that passes. Each step is a loop of its own, so that its memory accesses overlap.
"""

import numpy as np
import numpy.typing as npt

from .checksums import BlockChecks
from .hits import RawHits
from .intrinsics import LANES, near_mask, popcount, prefetch, trailing_zeros
from .jit import jit
from .layout import BUCKETS, PARTS, SegmentArrays
from .nearest import ROW_BITS, offer
from .plan import ENTRY, FLIPS, PROBE, SHELLS, VERIFY, Plan
from .probe_buffers import (
    Buffers,
    EntryRanges,
    new_hits,
    new_ranges,
    reserve_hits,
    reserve_ranges,
    row_number,
)
from .probe_checks import find_damage
from .replan import better_thresholds


@jit
def probe(  # noqa: PLR0917
    codes: npt.NDArray[np.uint64],
    plan: Plan,
    most: int,
    arrays: SegmentArrays,
    removed: npt.NDArray[np.bool_],
    checks: BlockChecks,
) -> tuple[RawHits, npt.NDArray[np.bool_], int]:
    """Search a segment for each shuffled query (codes: uint64[q, 4]).

    Returns the hits, the nearest `most` of each query, with row numbers for ids; which queries need
    a scan instead (bool[q]); and the number of a damaged block, or -1. If a block is damaged the
    rest must not be used.
    """
    count, hits = 0, new_hits(64)
    scan = np.zeros(len(codes), np.bool_)
    buffers = Buffers(new_ranges(0), np.empty(0, np.int64))
    for query in range(len(codes)):
        code, thresholds = codes[query], plan.thresholds
        buffers, range_count, candidate_count = _find_candidates(
            code, thresholds, plan.replan_cost, arrays, buffers
        )
        if candidate_count < 0:
            thresholds, cost = better_thresholds(code.view(np.uint16), plan, arrays)
            if cost <= plan.scan_cost:
                buffers, range_count, candidate_count = _find_candidates(
                    code, thresholds, plan.scan_cost, arrays, buffers
                )
        if candidate_count < 0:
            scan[query] = True
            continue
        damaged = find_damage(buffers, range_count, candidate_count, arrays, checks)
        if damaged >= 0:
            return hits, scan, damaged
        hits = reserve_hits(hits, count, count + min(candidate_count, most))
        room = RawHits(hits.queries[count:], hits.ids[count:], hits.distances[count:])
        candidates = buffers.candidates[:candidate_count]
        new = _verify(code, plan.radius, most, thresholds, candidates, arrays, removed, room)
        hits.queries[count : count + new] = query
        count += new
    return RawHits(hits.queries[:count], hits.ids[:count], hits.distances[:count]), scan, -1


@jit
def _find_candidates(
    code: npt.NDArray[np.uint64],
    thresholds: npt.NDArray[np.int8],
    budget: float,
    arrays: SegmentArrays,
    buffers: Buffers,
) -> tuple[Buffers, np.int64, int]:
    """Probe and filter the buckets within the thresholds, at a cost of at most the budget (ns).

    Returns the buffers, the number of ranges and the number of candidates; -1 candidates if that
    would exceed the budget.
    """
    ranges = reserve_ranges(buffers.ranges, thresholds)
    range_count, entries = _probe_buckets(code.view(np.uint16), thresholds, arrays, ranges)
    if range_count * PROBE + entries * ENTRY > budget:
        return Buffers(ranges, buffers.candidates), range_count, -1
    candidates, most = buffers.candidates, min(int(budget / VERIFY) + 1, int(entries))
    if len(candidates) < most:
        candidates = np.empty(most, np.int64)
    candidate_count = _filter(ranges, range_count, arrays, candidates[:most])
    return Buffers(ranges, candidates), range_count, candidate_count


@jit
def _probe_buckets(
    parts: npt.NDArray[np.uint16],
    thresholds: npt.NDArray[np.int8],
    arrays: SegmentArrays,
    ranges: EntryRanges,
) -> tuple[np.int64, np.int64]:
    """Set the ranges of the non-empty buckets; return the number of ranges and of entries."""
    n = len(arrays.ids)
    bucket_starts, next_parts = arrays.starts, arrays.next_parts
    starts, ends, keys, bounds = ranges
    count = entries = np.int64(0)
    for part in range(PARTS):
        following = (part + 1) % PARTS
        buckets = part * (BUCKETS + 1)
        for weight in range(thresholds[part] + 1):
            bound = np.uint16(thresholds[part] + thresholds[following] + 1 - weight)
            for place in range(SHELLS[weight], SHELLS[weight + 1]):
                bucket = buckets + np.int64(parts[part] ^ FLIPS[place])
                size = np.int64(bucket_starts[bucket + 1]) - np.int64(bucket_starts[bucket])
                start = part * n + np.int64(bucket_starts[bucket])
                starts[count], ends[count] = start, start + size
                keys[count], bounds[count] = parts[following], bound
                prefetch(next_parts, start)
                prefetch(next_parts, start + LANES)
                count += size > 0  # an empty bucket's range is overwritten
                entries += size
    return count, entries


@jit
def _filter(
    ranges: EntryRanges,
    range_count: np.int64,
    arrays: SegmentArrays,
    candidates: npt.NDArray[np.int64],
) -> int:
    """Write the entries that pass to candidates; return how many, or -1 if they do not fit."""
    count = 0
    next_parts, rows = arrays.next_parts, arrays.rows
    starts, ends, keys, bounds = ranges
    for place in range(range_count):
        end, key, bound = ends[place], keys[place], bounds[place]
        for entry in range(starts[place], end, LANES):
            mask = near_mask(next_parts, entry, key, bound)
            if end - entry < LANES:
                mask &= np.uint32((1 << (end - entry)) - 1)
            while mask:
                if count == len(candidates):
                    return -1
                candidates[count] = entry + trailing_zeros(mask)
                prefetch(rows, 3 * candidates[count])
                mask &= mask - np.uint32(1)
                count += 1
    return count


@jit
def _verify(  # noqa: PLR0917
    code: npt.NDArray[np.uint64],
    radius: int,
    most: int,
    thresholds: npt.NDArray[np.int8],
    candidates: npt.NDArray[np.int64],
    arrays: SegmentArrays,
    removed: npt.NDArray[np.bool_],
    hits: RawHits,
) -> int:
    """Write the nearest rows within the radius to hits, each once; return how many there are."""
    n = len(arrays.ids)
    rows, codes = arrays.rows, arrays.codes
    keys = hits.ids
    for entry in candidates:
        prefetch(codes, 4 * row_number(rows, entry))
    count = 0
    for entry in candidates:
        row = row_number(rows, entry)
        distance = 0
        for word in range(4):
            distance += popcount(code[word] ^ codes[4 * row + word])
        if distance > radius or removed[row]:
            continue
        if _first_part(code, codes[4 * row : 4 * row + 4], thresholds) == entry // n:
            count = offer(keys, count, most, row, distance)
    for place in range(count):
        hits.distances[place] = keys[place] >> ROW_BITS
        keys[place] &= (1 << ROW_BITS) - 1
    return count


@jit
def _first_part(
    code: npt.NDArray[np.uint64],
    other: npt.NDArray[np.uint64],
    thresholds: npt.NDArray[np.int8],
) -> int:
    """Return the first part that leads to a row: a row found through several is reported once."""
    difference = (code ^ other).view(np.uint16)
    for part in range(PARTS):
        following = (part + 1) % PARTS
        here = popcount(np.uint64(difference[part]))
        there = popcount(np.uint64(difference[following]))
        bound = thresholds[part] + thresholds[following] + 1
        if here <= thresholds[part] and here + there <= bound:
            return part
    return PARTS
