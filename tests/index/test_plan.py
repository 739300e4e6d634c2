"""The plan: the pigeonhole principle behind it, and queries that are replanned."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from unseen_index import HashTable, replan
from unseen_index.layout import BUCKETS, PARTS, SegmentArrays
from unseen_index.plan import FLIPS, SHELLS, even_thresholds, plan, uniform_cost
from unseen_index.probe import _first_part
from unseen_index.replan import better_thresholds

radii = st.integers(0, 256)


@st.composite
def thresholds_and_difference(draw):
    """Draw thresholds for some radius, and a difference of at most so many bits."""
    cuts = sorted(draw(st.lists(st.integers(0, 60), min_size=PARTS - 1, max_size=PARTS - 1)))
    shares = np.minimum(np.diff([0, *cuts, 60]), 17)
    radius = int(shares.sum()) - 1
    bits = draw(st.sets(st.integers(0, 255), max_size=max(radius, 0)))
    difference = np.zeros(256, np.uint8)
    difference[list(bits)] = 1
    return (shares - 1).astype(np.int8), np.packbits(difference).view(np.uint64)


@settings(deadline=None)  # the first call compiles
@given(thresholds_and_difference())
def test_every_row_within_the_radius_is_found_through_some_part(case):
    thresholds, difference = case
    if thresholds.sum() + PARTS > 0:  # otherwise the radius is negative, which no search allows
        assert _first_part(np.zeros(4, np.uint64), difference, thresholds) < PARTS


@settings(deadline=None)  # the first call compiles
@given(radii)
def test_even_thresholds_add_up(radius):
    thresholds = even_thresholds(radius)
    assert (thresholds + 1).sum() == radius + 1
    assert np.ptp(thresholds) <= 1


@settings(deadline=None)  # the first call compiles
@given(st.integers(1, 1 << 24), radii)
def test_a_scan_is_planned_exactly_when_it_is_cheaper(rows, radius):
    cheaper = uniform_cost(even_thresholds(radius), rows) > rows
    assert (plan(rows, radius) is None) == cheaper


def test_small_tables_and_large_radii_are_scanned():
    assert plan(100, 31) is None
    assert plan(1_000_000, 31) is not None
    assert plan(1_000_000, 128) is None


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(20, 47), st.integers(0, 8))
def test_better_thresholds_avoid_crowded_buckets(seed, radius, crowded):
    """Parts whose buckets near the query are all crowded go unused, if the others suffice."""
    sizes = np.random.default_rng(seed).integers(0, 3, (PARTS, BUCKETS))
    sizes[:crowded, FLIPS[: SHELLS[4]]] = 2_000
    even = plan(1_000_000, radius)
    thresholds, cost = better_thresholds(np.zeros(PARTS, np.uint16), even, arrays_of(sizes))
    assert (thresholds + 1).sum() == radius + 1
    if radius < (PARTS - crowded) * (even.thresholds.max() + replan._RAISES[0] + 1):
        assert (thresholds[:crowded] == -1).all()
        assert cost < even.scan_cost


def arrays_of(sizes: np.ndarray) -> SegmentArrays:
    """Return arrays with buckets of these sizes, in which every row's next part is 0."""
    starts = np.zeros((PARTS, BUCKETS + 1), np.uint32)
    np.cumsum(sizes, axis=1, out=starts[:, 1:])
    rows = int(starts[:, -1].max())
    arrays = (starts.ravel(), np.zeros(PARTS * rows + 64, np.uint16), np.zeros(3, np.uint8))
    return SegmentArrays(*arrays, np.zeros(rows, np.int64), np.zeros(4, np.uint64))


@pytest.mark.parametrize("shared", [1, 2, 3, 4])
def test_crowded_buckets_cost_a_few_times_the_expected_cost(shared):
    """An attacker made 100,000 of 300,000 hashes share whole parts with the query."""
    rng = np.random.default_rng(2)
    table = HashTable()
    codes = rng.integers(0, 1 << 16, (300_000, PARTS)).astype(np.uint16)
    codes[:100_000, :shared] = 77
    hashes = _unshuffle(table, codes)
    table.add(np.arange(300_000), hashes)
    (segment,) = table._state.segments
    even = plan(300_000, 31)
    _, cost = better_thresholds(codes[0], even, segment._arrays)
    assert cost < 5 * even.expected_cost
    hits = table.search(hashes[:1], 31)
    assert hits.ids.tolist() == [0]


def _unshuffle(table: HashTable, codes: np.ndarray) -> np.ndarray:
    """Return the hashes that the table's shuffle turns into these codes."""
    bits = np.unpackbits(codes.view(np.uint8), axis=1, bitorder="little")
    original = np.empty_like(bits)
    original[:, table._shuffle.order] = bits
    return np.packbits(original, axis=1, bitorder="little")


def test_shuffling_preserves_distances():
    table = HashTable()
    rng = np.random.default_rng(3)
    hashes = rng.integers(0, 256, (50, 32), dtype=np.uint8)
    codes = table._shuffle(hashes)
    assert np.array_equal(_unshuffle(table, codes.view(np.uint16)), hashes)
    before = np.bitwise_count(hashes ^ hashes[0]).sum(axis=1)
    assert np.array_equal(before, np.bitwise_count(codes ^ codes[0]).sum(axis=1))


def test_each_table_has_its_own_permutation():
    first, second = HashTable()._shuffle.order, HashTable()._shuffle.order
    assert sorted(first) == list(range(256))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("radius", [20, 31])
def test_replanned_and_scanned_queries_are_exact(radius, multi_index, oracle, equal, flip_bits):
    """Crowded buckets in every part: new thresholds, then a scan, with the same answer."""
    rng = np.random.default_rng(4)
    hashes = rng.integers(0, 256, (8_000, 32), dtype=np.uint8)
    hashes[:3_000, :16] = 9
    hashes[3_000:6_000] = flip_bits(rng, np.repeat(hashes[:1], 3_000, axis=0), 50)
    table = HashTable()
    table.add(np.arange(8_000), hashes)
    queries = flip_bits(rng, hashes[::500], 30)
    want = oracle(dict(enumerate(map(bytes, hashes))), queries, radius)
    assert equal(table.search(queries, radius), want)
