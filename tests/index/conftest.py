"""Fixtures for the index tests: a brute-force oracle, and the multi-index on small tables."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import pytest
from unseen_index import Hits, plan, table


def brute_force(
    rows: dict[int, bytes], queries: np.ndarray, radius: int, nearest: int | None = None
) -> Hits:
    """Compare every query with every row, using NumPy only."""
    ids = np.array(sorted(rows), np.int64)
    hashes = np.array([list(rows[key]) for key in ids.tolist()], np.uint8).reshape(-1, 32)
    limits, found, distances, more = [0], [], [], []
    for query in queries:
        distance = np.bitwise_count(hashes ^ query).sum(axis=1, dtype=np.int32)
        near = np.flatnonzero(distance <= radius)
        near = near[np.lexsort((ids[near], distance[near]))]
        more.append(nearest is not None and len(near) > nearest)
        near = near[:nearest]
        found += ids[near].tolist()
        distances += distance[near].tolist()
        limits.append(len(found))
    return Hits(
        np.array(limits, np.int64),
        np.array(found, np.int64),
        np.array(distances, np.int32),
        np.array(more, np.bool_),
    )


def equal_hits(got: Hits, want: Hits) -> bool:
    """Return whether two answers are equal, including their dtypes."""
    return all(
        getattr(got, name).dtype == getattr(want, name).dtype
        and np.array_equal(getattr(got, name), getattr(want, name))
        for name in ("limits", "ids", "distances", "more")
    )


@pytest.fixture(scope="session")
def oracle() -> Callable[..., Hits]:
    return brute_force


@pytest.fixture(scope="session")
def equal() -> Callable[[Hits, Hits], bool]:
    return equal_hits


@contextmanager
def force(memtable_rows: int = 8) -> Iterator[None]:
    """Use the multi-index on tiny tables: small memtables, and no scan of a segment is cheaper."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "MEMTABLE_ROWS", memtable_rows)
        patch.setattr(plan, "SCAN", 1e9)
        plan.plan.cache_clear()
        try:
            yield
        finally:
            plan.plan.cache_clear()  # what was planned with the patched cost


@pytest.fixture
def multi_index() -> Iterator[None]:
    with force():
        yield


@pytest.fixture(scope="session")
def force_multi_index() -> Callable[..., AbstractContextManager[None]]:
    """Return `force`, for tests that need it for part of their time or with another limit."""
    return force


@pytest.fixture(scope="session")
def flip_bits() -> Callable[..., np.ndarray]:
    """Return a function that flips 0 to `most` random bits of each hash."""

    def flip(rng: np.random.Generator, hashes: np.ndarray, most: int) -> np.ndarray:
        bits = np.unpackbits(hashes, axis=1)
        for row in bits:
            row[rng.choice(256, rng.integers(0, most + 1), replace=False)] ^= 1
        return np.packbits(bits, axis=1)

    return flip
