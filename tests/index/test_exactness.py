"""The multi-index finds what brute force finds, for every radius and for difficult data."""

import numpy as np
import pytest
from unseen_index import HashTable


def near_zero(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.zeros((count, 32), np.uint8) | (rng.random((count, 32)) < 0.02).astype(np.uint8)


def shared_bytes(rng: np.random.Generator, count: int) -> np.ndarray:
    hashes = rng.integers(0, 256, (count, 32), dtype=np.uint8)
    hashes[: count // 2, :20] = 7
    return hashes


DATA = {
    "uniform": lambda rng, count: rng.integers(0, 256, (count, 32), dtype=np.uint8),
    "all zero": lambda _rng, count: np.zeros((count, 32), np.uint8),
    "near-identical": near_zero,
    "shared bytes": shared_bytes,
    "few distinct": lambda rng, count: rng.integers(0, 256, (5, 32), dtype=np.uint8)[
        rng.integers(0, 5, count)
    ],
}


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("rows", [1, 33, 3_000])
def test_every_distribution(  # noqa: PLR0917
    data, rows, multi_index, oracle, equal, flip_bits
):
    rng = np.random.default_rng(rows)
    hashes = DATA[data](rng, rows)
    ids = rng.choice(2**62, rows, replace=False)
    table = HashTable()
    table.add(ids, hashes)
    table.merge()
    model = dict(zip(ids.tolist(), map(bytes, hashes), strict=True))
    queries = np.concatenate(
        [flip_bits(rng, hashes[rng.integers(0, rows, 6)], 60), DATA["uniform"](rng, 2)]
    )
    for radius in (0, 1, 7, 15, 16, 31, 32, 47, 60, 128):
        assert equal(table.search(queries, radius), oracle(model, queries, radius))


def test_every_radius(multi_index, oracle, equal, flip_bits):
    rng = np.random.default_rng(5)
    hashes = rng.integers(0, 256, (64, 32), dtype=np.uint8)
    table = HashTable()
    table.add(np.arange(64), hashes)
    model = dict(enumerate(map(bytes, hashes)))
    queries = np.concatenate([flip_bits(rng, hashes[:2], 40), ~hashes[:1]])
    for radius in range(257):
        assert equal(table.search(queries, radius), oracle(model, queries, radius)), radius


def test_the_radius_is_inclusive(multi_index):
    """A row exactly at the radius is found; one that is a bit further away is not."""
    rng = np.random.default_rng(6)
    base = rng.integers(0, 256, (1, 32), dtype=np.uint8)
    rows = np.repeat(np.unpackbits(base, axis=1), 2_000, axis=0)
    for place, row in enumerate(rows):
        row[rng.choice(256, 31 + place % 2, replace=False)] ^= 1
    table = HashTable()
    table.add(np.arange(2_000), np.packbits(rows, axis=1))
    hits = table.search(base, 31)
    assert hits.ids.tolist() == list(range(0, 2_000, 2))
    assert set(hits.distances.tolist()) == {31}


def test_segments_and_memtable_together(oracle, equal, flip_bits):
    """A large segment, small segments and a memtable, with removals, at the real limits."""
    rng = np.random.default_rng(8)
    hashes = rng.integers(0, 256, (60_000, 32), dtype=np.uint8)
    hashes[20_000:30_000, :24] = hashes[0, :24]
    table = HashTable()
    for start, end in ((0, 30_000), (30_000, 50_000), (50_000, 59_000), (59_000, 60_000)):
        table.add(np.arange(start, end), hashes[start:end])
    removed = rng.choice(60_000, 5_000, replace=False)
    assert table.remove(removed) == 5_000
    model = {key: bytes(hashes[key]) for key in np.delete(np.arange(60_000), removed).tolist()}
    queries = flip_bits(rng, hashes[rng.integers(0, 60_000, 30)], 40)
    for merged in (False, True):
        if merged:
            table.merge()
        for radius in (0, 10, 31, 64, 120):
            assert equal(table.search(queries, radius), oracle(model, queries, radius))
