"""The plan: the pigeonhole principle it stands on, and queries that leave it."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from unseen_index import HashTable, replan
from unseen_index.layout import BUCKETS, PARTS, Tables
from unseen_index.plan import FLIPS, SHELLS, even_thresholds, plan, uniform_cost
from unseen_index.probe import _first_part
from unseen_index.replan import better_thresholds

radii = st.integers(0, 256)


@st.composite
def thresholds_and_difference(draw):
    """Any thresholds that share a radius out, and any difference of at most so many bits."""
    cuts = sorted(draw(st.lists(st.integers(0, 60), min_size=PARTS - 1, max_size=PARTS - 1)))
    shares = np.minimum(np.diff([0, *cuts, 60]), 17)
    radius = int(shares.sum()) - 1
    bits = draw(st.sets(st.integers(0, 255), max_size=max(radius, 0)))
    difference = np.zeros(256, np.uint8)
    difference[list(bits)] = 1
    return (shares - 1).astype(np.int8), np.packbits(difference).view(np.uint64)


@settings(deadline=None)  # the first call compiles
@given(thresholds_and_difference())
def test_ring_pigeonhole_reaches_every_row_within_the_radius(case):
    thresholds, difference = case
    if thresholds.sum() + PARTS > 0:  # else the radius is below 0, which no search has
        assert _first_part(np.zeros(4, np.uint64), difference, thresholds) < PARTS


@settings(deadline=None)  # the first call compiles
@given(radii)
def test_even_thresholds_share_the_radius_out(radius):
    thresholds = even_thresholds(radius)
    assert (thresholds + 1).sum() == radius + 1
    assert np.ptp(thresholds) <= 1


@settings(deadline=None)  # the first call compiles
@given(st.integers(1, 1 << 24), radii)
def test_a_scan_takes_over_exactly_where_it_is_cheaper(rows, radius):
    cheaper = uniform_cost(even_thresholds(radius), rows) > rows
    assert (plan(rows, radius) is None) == cheaper


def test_small_tables_and_large_radii_are_scanned():
    assert plan(100, 31) is None
    assert plan(1_000_000, 31) is not None
    assert plan(1_000_000, 128) is None


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(20, 47), st.integers(0, 8))
def test_better_thresholds_share_the_radius_and_shun_crowds(seed, radius, crowded):
    """Parts that are crowded all around the query are left unused, if the others can do it."""
    sizes = np.random.default_rng(seed).integers(0, 3, (PARTS, BUCKETS))
    sizes[:crowded, FLIPS[: SHELLS[4]]] = 2_000
    usual = plan(1_000_000, radius)
    thresholds, cost = better_thresholds(np.zeros(PARTS, np.uint16), usual, tables_of(sizes))
    assert (thresholds + 1).sum() == radius + 1
    if radius < (PARTS - crowded) * (usual.thresholds.max() + replan._RAISES[0] + 1):
        assert (thresholds[:crowded] == -1).all()
        assert cost < usual.scan


def tables_of(sizes: np.ndarray) -> Tables:
    """Make tables with these sizes of buckets, in which every row's next part is 0."""
    starts = np.zeros((PARTS, BUCKETS + 1), np.uint32)
    np.cumsum(sizes, axis=1, out=starts[:, 1:])
    rows = int(starts[:, -1].max())
    arrays = (starts.ravel(), np.zeros(PARTS * rows + 64, np.uint16), np.zeros(3, np.uint8))
    return Tables(*arrays, np.zeros(rows, np.int64), np.zeros(4, np.uint64))


@pytest.mark.parametrize("shared", [1, 2, 3, 4])
def test_a_crowded_bucket_costs_a_few_times_the_usual(shared):
    """100,000 of 300,000 hashes share whole parts with the query, made on purpose."""
    rng = np.random.default_rng(2)
    table = HashTable()
    codes = rng.integers(0, 1 << 16, (300_000, PARTS)).astype(np.uint16)
    codes[:100_000, :shared] = 77
    raw = _unshuffled(table, codes)
    table.add(np.arange(300_000), raw)
    (segment,) = table._state.segments
    usual = plan(300_000, 31)
    _, cost = better_thresholds(codes[0], usual, segment._tables)
    assert cost < 5 * usual.usual
    hits = table.search(raw[:1], 31)
    assert hits.ids.tolist() == [0]


def _unshuffled(table: HashTable, codes: np.ndarray) -> np.ndarray:
    """Find the hashes whose shuffled form these codes are."""
    bits = np.unpackbits(codes.view(np.uint8), axis=1, bitorder="little")
    plain = np.empty_like(bits)
    plain[:, table._shuffle.order] = bits
    return np.packbits(plain, axis=1, bitorder="little")


def test_shuffling_keeps_distances():
    table = HashTable()
    rng = np.random.default_rng(3)
    hashes = rng.integers(0, 256, (50, 32), dtype=np.uint8)
    codes = table._shuffle(hashes)
    assert np.array_equal(_unshuffled(table, codes.view(np.uint16)), hashes)
    before = np.bitwise_count(hashes ^ hashes[0]).sum(axis=1)
    assert np.array_equal(before, np.bitwise_count(codes ^ codes[0]).sum(axis=1))


def test_each_table_draws_its_own_order():
    first, second = HashTable()._shuffle.order, HashTable()._shuffle.order
    assert sorted(first) == list(range(256))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("radius", [20, 31])
def test_crowds_on_every_side_are_found_all_the_same(radius, forced, oracle, agree, flipped):
    """Every way out of the usual plan: new thresholds, then a scan, with the same answer."""
    rng = np.random.default_rng(4)
    hashes = rng.integers(0, 256, (8_000, 32), dtype=np.uint8)
    hashes[:3_000, :16] = 9
    hashes[3_000:6_000] = flipped(rng, np.repeat(hashes[:1], 3_000, axis=0), 50)
    table = HashTable()
    table.add(np.arange(8_000), hashes)
    queries = flipped(rng, hashes[::500], 30)
    want = oracle(dict(enumerate(map(bytes, hashes))), queries, radius)
    assert agree(table.search(queries, radius), want)
