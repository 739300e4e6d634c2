"""Fixtures of the index's tests: a brute-force oracle, the multi-index on small tables."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from unseen_index import Hits, plan, table


def brute_force(rows: dict[int, bytes], queries: np.ndarray, radius: int) -> Hits:
    """Compare every query with every row, in NumPy alone."""
    ids = np.array(sorted(rows), np.int64)
    hashes = np.array([list(rows[key]) for key in ids.tolist()], np.uint8).reshape(-1, 32)
    limits, found, distances = [0], [], []
    for query in queries:
        distance = np.bitwise_count(hashes ^ query).sum(axis=1, dtype=np.int32)
        near = np.flatnonzero(distance <= radius)
        near = near[np.lexsort((ids[near], distance[near]))]
        found += ids[near].tolist()
        distances += distance[near].tolist()
        limits.append(len(found))
    return Hits(
        np.array(limits, np.int64), np.array(found, np.int64), np.array(distances, np.int32)
    )


def same(got: Hits, want: Hits) -> bool:
    """Tell whether two answers are equal, dtypes too."""
    return all(
        getattr(got, name).dtype == getattr(want, name).dtype
        and np.array_equal(getattr(got, name), getattr(want, name))
        for name in ("limits", "ids", "distances")
    )


@pytest.fixture(scope="session")
def oracle() -> Callable[..., Hits]:
    return brute_force


@pytest.fixture(scope="session")
def agree() -> Callable[[Hits, Hits], bool]:
    return same


@pytest.fixture
def forced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put every few rows into a segment, and never find a scan cheaper."""
    with force(monkeypatch):
        yield


class force:  # noqa: N801
    """The multi-index on tiny tables: as `forced`, for tests that cannot use a fixture."""

    def __init__(self, patch: Any = None, fresh_rows: int = 8) -> None:
        self._patch, self._fresh_rows = patch or pytest.MonkeyPatch(), fresh_rows

    def __enter__(self) -> None:
        self._patch.setattr(table, "FRESH_ROWS", self._fresh_rows)
        self._patch.setattr(plan, "SCAN", 1e9)
        plan.plan.cache_clear()

    def __exit__(self, *_: object) -> None:
        self._patch.undo()
        plan.plan.cache_clear()


@pytest.fixture(scope="session")
def forcing() -> type[force]:
    return force


def near(rng: np.random.Generator, base: np.ndarray, most: int) -> np.ndarray:
    """Flip 0 to `most` bits of each hash."""
    bits = np.unpackbits(base, axis=1)
    for row in bits:
        row[rng.choice(256, rng.integers(0, most + 1), replace=False)] ^= 1
    return np.packbits(bits, axis=1)


@pytest.fixture(scope="session")
def flipped() -> Callable[..., np.ndarray]:
    return near
