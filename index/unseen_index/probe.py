"""The search of a segment: probe buckets, sift their entries, verify what is left.

For each query: the buckets that the plan's thresholds reach (their first lines are prefetched),
then 32 entries at a time the test of the ring (plan.py), then the whole hash of each entry that
passed. The steps are loops of their own, so that the memory accesses of each overlap.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .checksums import BLOCK, Guard, damaged_block
from .hits import Found
from .intrinsics import LANES, near_mask, popcount, prefetch, trailing_zeros
from .jit import compiled
from .layout import BUCKETS, PARTS, Tables
from .plan import ENTRY, FLIPS, PROBE, SHELLS, VERIFY, Plan
from .replan import better_thresholds


class Reach(NamedTuple):
    """How far a query looks: in all, and in each part."""

    radius: int
    thresholds: npt.NDArray[np.int8]


class Spans(NamedTuple):
    """The buckets to look through: entries first to last, those within bound bits of key."""

    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]
    key: npt.NDArray[np.uint16]
    bound: npt.NDArray[np.uint16]


class Work(NamedTuple):
    """Memory that one query hands to the next: its buckets, and the entries that passed."""

    spans: Spans
    passed: npt.NDArray[np.int64]


@compiled
def probe(
    codes: npt.NDArray[np.uint64],
    plan: Plan,
    tables: Tables,
    removed: npt.NDArray[np.bool_],
    guard: Guard,
) -> tuple[Found, npt.NDArray[np.bool_], int]:
    """Search a segment for each of q shuffled queries (codes: uint64[q, 4]).

    Returns what was found, with rows in the place of ids; which queries are to be scanned instead
    (bool[q]); and the number of a damaged block (-1: none; else the rest is not to be used).
    """
    hits, found = 0, _room_for_hits(64)
    scan = np.zeros(len(codes), np.bool_)
    work = Work(_room_for_spans(0), np.empty(0, np.int64))
    for query in range(len(codes)):
        code, thresholds = codes[query], plan.thresholds
        work, count, many = _attempt(code, thresholds, plan.limit, tables, work)
        if many < 0:
            thresholds, cost = better_thresholds(code.view(np.uint16), plan, tables)
            if cost <= plan.scan:
                work, count, many = _attempt(code, thresholds, plan.scan, tables, work)
        if many < 0:
            scan[query] = True
            continue
        bad = _damaged(work, count, many, tables, guard)
        if bad >= 0:
            return found, scan, bad
        found = _longer(found, hits, hits + many)
        reach = Reach(plan.radius, thresholds)
        room = Found(found.queries[hits:], found.ids[hits:], found.distances[hits:])
        new = _verify(code, reach, work.passed[:many], tables, removed, room)
        found.queries[hits : hits + new] = query
        hits += new
    return Found(found.queries[:hits], found.ids[:hits], found.distances[:hits]), scan, -1


@compiled
def _attempt(
    code: npt.NDArray[np.uint64],
    thresholds: npt.NDArray[np.int8],
    budget: float,
    tables: Tables,
    work: Work,
) -> tuple[Work, np.int64, int]:
    """Look through the buckets that the thresholds reach, unless that is dearer than the budget.

    Returns the buckets and the entries that passed, and how many there are of each; of entries
    -1 when it was too dear.
    """
    spans = _grown(work.spans, thresholds)
    count, entries = _find_spans(code.view(np.uint16), thresholds, tables, spans)
    if count * PROBE + entries * ENTRY > budget:
        return Work(spans, work.passed), count, -1
    passed, most = work.passed, min(int(budget / VERIFY) + 1, int(entries))
    if len(passed) < most:
        passed = np.empty(most, np.int64)
    return Work(spans, passed), count, _sift(spans, count, tables, passed[:most])


@compiled
def _room_for_hits(count: int) -> Found:
    return Found(np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.int32))


@compiled
def _longer(found: Found, used: int, need: int) -> Found:
    """Make room for `need` hits, of which the first `used` are there."""
    if len(found.ids) >= need:
        return found
    longer = _room_for_hits(2 * need)
    longer.queries[:used] = found.queries[:used]
    longer.ids[:used] = found.ids[:used]
    longer.distances[:used] = found.distances[:used]
    return longer


@compiled
def _room_for_spans(count: int) -> Spans:
    return Spans(
        np.empty(count, np.int64),
        np.empty(count, np.int64),
        np.empty(count, np.uint16),
        np.empty(count, np.uint16),
    )


@compiled
def _grown(spans: Spans, thresholds: npt.NDArray[np.int8]) -> Spans:
    """Make room for every bucket that the thresholds reach."""
    need = 0
    for part in range(PARTS):
        need += SHELLS[thresholds[part] + 1]
    return spans if len(spans.first) >= need else _room_for_spans(need)


@compiled
def _find_spans(
    parts: npt.NDArray[np.uint16],
    thresholds: npt.NDArray[np.int8],
    tables: Tables,
    spans: Spans,
) -> tuple[np.int64, np.int64]:
    """Find the buckets to look through; return how many, and of how many entries."""
    n = len(tables.ids)
    starts, nexts = tables.starts, tables.nexts
    first_of, last_of, key_of, bound_of = spans
    count = entries = np.int64(0)
    for part in range(PARTS):
        following = (part + 1) % PARTS
        buckets = part * (BUCKETS + 1)
        for weight in range(thresholds[part] + 1):
            bound = np.uint16(thresholds[part] + thresholds[following] + 1 - weight)
            for place in range(SHELLS[weight], SHELLS[weight + 1]):
                bucket = buckets + np.int64(parts[part] ^ FLIPS[place])
                size = np.int64(starts[bucket + 1]) - np.int64(starts[bucket])
                first = part * n + np.int64(starts[bucket])
                first_of[count], last_of[count] = first, first + size
                key_of[count], bound_of[count] = parts[following], bound
                prefetch(nexts, first)
                prefetch(nexts, first + LANES)
                count += size > 0
                entries += size
    return count, entries


@compiled
def _damaged(work: Work, count: np.int64, many: int, tables: Tables, guard: Guard) -> int:
    """Check all that a query relies on; return a damaged block or -1."""
    if not guard.on:
        return -1
    bad = _damaged_span(work.spans, count, guard)
    return bad if bad >= 0 else _damaged_row(work.passed, many, tables, guard)


@compiled
def _damaged_span(spans: Spans, count: np.int64, guard: Guard) -> int:
    """Check the entries that were looked through; return a damaged block or -1."""
    first_of, last_of, seen, at = spans.first, spans.last, guard.seen, guard.at.nexts
    for span in range(count):
        block = (at + 2 * first_of[span]) // BLOCK
        end = (at + 2 * last_of[span] - 1) // BLOCK
        while block <= end and seen[block]:
            block += 1
        if block <= end:
            bad = damaged_block(guard, block, end)
            if bad >= 0:
                return bad
    return -1


@compiled
def _sift(spans: Spans, count: np.int64, tables: Tables, passed: npt.NDArray[np.int64]) -> int:
    """List the entries that pass the ring's test; return how many, or -1 when there is no room."""
    many = 0
    nexts, rows = tables.nexts, tables.rows
    first_of, last_of, key_of, bound_of = spans
    for span in range(count):
        last, key, bound = last_of[span], key_of[span], bound_of[span]
        for entry in range(first_of[span], last, LANES):
            mask = near_mask(nexts, entry, key, bound)
            if last - entry < LANES:
                mask &= np.uint32((1 << (last - entry)) - 1)
            while mask:
                if many == len(passed):
                    return -1
                passed[many] = entry + trailing_zeros(mask)
                prefetch(rows, 3 * passed[many])
                mask &= mask - np.uint32(1)
                many += 1
    return many


@compiled
def _damaged_row(passed: npt.NDArray[np.int64], many: int, tables: Tables, guard: Guard) -> int:
    """Check the rows of the entries that passed; return a damaged block or -1."""
    seen, rows, at = guard.seen, tables.rows, guard.at
    for entry in passed[:many]:
        # The array starts on a block's edge, but three bytes may straddle two blocks.
        block, end = (at.rows + 3 * entry) // BLOCK, (at.rows + 3 * entry + 2) // BLOCK
        if not (seen[block] and seen[end]):
            bad = damaged_block(guard, block, end)
            if bad >= 0:
                return bad
        code = (at.codes + 32 * _row(rows, entry)) // BLOCK
        if not seen[code]:
            bad = damaged_block(guard, code, code)
            if bad >= 0:
                return bad
    return -1


@compiled
def _row(rows: npt.NDArray[np.uint8], entry: np.int64) -> np.int64:
    """Read the number of the row of an entry."""
    low, middle, high = rows[3 * entry], rows[3 * entry + 1], rows[3 * entry + 2]
    return np.int64(low) | (np.int64(middle) << 8) | (np.int64(high) << 16)


@compiled
def _verify(  # noqa: PLR0917
    code: npt.NDArray[np.uint64],
    reach: Reach,
    passed: npt.NDArray[np.int64],
    tables: Tables,
    removed: npt.NDArray[np.bool_],
    found: Found,
) -> int:
    """Keep the rows within the radius, each once; return how many."""
    n = len(tables.ids)
    rows, codes = tables.rows, tables.codes
    for entry in passed:
        prefetch(codes, 4 * _row(rows, entry))
    count = 0
    for entry in passed:
        row = _row(rows, entry)
        distance = 0
        for word in range(4):
            distance += popcount(code[word] ^ codes[4 * row + word])
        if distance > reach.radius or removed[row]:
            continue
        if _first_part(code, codes[4 * row : 4 * row + 4], reach.thresholds) == entry // n:
            found.ids[count], found.distances[count] = row, distance
            count += 1
    return count


@compiled
def _first_part(
    code: npt.NDArray[np.uint64],
    other: npt.NDArray[np.uint64],
    thresholds: npt.NDArray[np.int8],
) -> int:
    """Return the first part through which a row is found: it is reported there only."""
    differing = (code ^ other).view(np.uint16)
    for part in range(PARTS):
        following = (part + 1) % PARTS
        here = popcount(np.uint64(differing[part]))
        there = popcount(np.uint64(differing[following]))
        bound = thresholds[part] + thresholds[following] + 1
        if here <= thresholds[part] and here + there <= bound:
            return part
    return PARTS
