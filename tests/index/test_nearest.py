"""With `nearest`, a search returns the nearest rows exactly, and no crowd makes it larger."""

import tracemalloc

import numpy as np
import pytest
from unseen_index import HashTable, scan

RADIUS = 31
CENTRE = np.random.default_rng(1).integers(0, 256, (1, 32), dtype=np.uint8)


def crowd(rows: int, flip_bits, most: int = 12) -> np.ndarray:
    """Return hashes near one hash; many are at the same distance."""
    return flip_bits(np.random.default_rng(rows), np.repeat(CENTRE, rows, axis=0), most)


@pytest.fixture(params=["multi-index", "memtable", "scans"])
def few_rows(request, force_multi_index, monkeypatch):
    """Search small tables as large ones are: by the multi-index, or by FAISS in many slices."""
    if request.param == "multi-index":
        with force_multi_index():
            yield
    else:
        if request.param == "scans":
            monkeypatch.setattr(scan, "_RANGE_COMPARISONS", 10)
            monkeypatch.setattr(scan, "_KNN_BYTES", 1 << 17)
        yield


@pytest.mark.usefixtures("few_rows")
@pytest.mark.parametrize("nearest", [1, 2, 16, 17, 300])
def test_the_nearest_of_a_crowd(nearest, oracle, equal, flip_bits):
    """Rows are added in an order that is not that of their ids, and some are removed."""
    hashes = np.concatenate([crowd(400, flip_bits), crowd(300, flip_bits, 60)])
    ids = np.random.default_rng(2).permutation(len(hashes)).astype(np.int64)
    table = HashTable()
    for start in range(0, len(ids), 100):
        table.add(ids[start : start + 100], hashes[start : start + 100])
    table.remove(ids[::7])
    model = {key: bytes(one) for key, one in zip(ids.tolist(), hashes, strict=True)}
    for key in ids[::7].tolist():
        del model[key]
    queries = np.concatenate([CENTRE, hashes[:5], ~CENTRE, hashes[-5:]])
    for radius in (0, 5, RADIUS, 140, 256):
        want = oracle(model, queries, radius, nearest)
        assert equal(table.search(queries, radius, nearest=nearest), want), radius


@pytest.mark.usefixtures("few_rows")
@pytest.mark.parametrize("count", [15, 16, 17])
def test_more_is_said_exactly_if_there_are_more(count):
    table = HashTable()
    table.add(np.arange(count), np.repeat(CENTRE, count, axis=0))
    hits = table.search(np.concatenate([CENTRE, ~CENTRE]), RADIUS, nearest=16)
    assert hits.ids.tolist() == list(range(min(count, 16)))
    assert hits.more.tolist() == [count > 16, False]
    assert not table.search(CENTRE, RADIUS).more.any()


def test_nearest_at_the_real_limits(oracle, equal, flip_bits):
    """A large segment with a crowd in it, a small one, and a memtable with more of the crowd."""
    rng = np.random.default_rng(3)
    hashes = rng.integers(0, 256, (70_000, 32), dtype=np.uint8)
    hashes[10_000:15_000] = crowd(5_000, flip_bits, 40)
    hashes[69_000:69_500] = crowd(500, flip_bits, 40)
    table = HashTable()
    for start, end in ((0, 40_000), (40_000, 60_000), (60_000, 70_000)):
        table.add(np.arange(start, end), hashes[start:end])
    removed = rng.choice(np.arange(10_000, 15_000), 2_000, replace=False)
    table.remove(removed)
    model = {key: bytes(hashes[key]) for key in np.delete(np.arange(70_000), removed).tolist()}
    queries = np.concatenate([CENTRE, hashes[10_000:10_004], hashes[:4]])
    for nearest in (1, 16, 1_000):
        want = oracle(model, queries, RADIUS, nearest)
        assert equal(table.search(queries, RADIUS, nearest=nearest), want)


def test_memory_is_bounded_by_what_is_wanted(flip_bits):
    """500 queries near a crowd of 8,000: all hits would take 80 MB and more."""
    hashes = crowd(8_000, flip_bits)
    memtable, segment = HashTable(), HashTable()
    memtable.add(np.arange(8_000), hashes)
    segment.add(np.arange(40_000), np.resize(hashes, (40_000, 32)))
    queries = crowd(500, flip_bits)
    for table in (memtable, segment):
        tracemalloc.start()
        hits = table.search(queries, RADIUS, nearest=16)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(hits.ids) == 16 * 500
        assert peak < 24e6


@pytest.mark.parametrize("nearest", [0, -1, 4_097, 1.5, "16"])
def test_wrong_number_of_hits_is_refused(nearest):
    with pytest.raises(ValueError, match="nearest must be"):
        HashTable().search(CENTRE, RADIUS, nearest=nearest)
