"""Two ways to search a copy, with the same results: a NumPy scan, and the package `unseen-index`.

The scan reads every hash for every query (0.01 s per million); the index, which is the
extra `mirror` of this package, reads a few of them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from unseen_index import HashTable

Packed = npt.NDArray[np.uint8]
"""Hashes, shape (n, 32), dtype uint8."""


class Found(NamedTuple):
    """A stored hash close to a query."""

    query: int
    distance: int
    """In bits."""
    id: int


class Scan:
    """Hashes in memory, all of which are compared with every query."""

    def __init__(self, ids: Sequence[int], hashes: bytes) -> None:
        """Store hashes, 32 bytes each, under their ids."""
        self._ids = np.array(ids, np.int64)
        self._words = np.frombuffer(hashes, np.uint64).reshape(-1, 4)

    def search(self, queries: Packed, radius: int) -> list[Found]:
        """Find every hash within `radius` bits of each query."""
        found = []
        for number, query in enumerate(queries.view(np.uint64)):
            distances = np.bitwise_count(self._words ^ query).sum(axis=1, dtype=np.uint16)
            near = np.flatnonzero(distances <= radius)
            found += [Found(number, int(distances[row]), int(self._ids[row])) for row in near]
        return found


class Index:
    """A saved `unseen-index` table, which any number of processes can search."""

    def __init__(self, table: "HashTable") -> None:
        self._table = table

    @classmethod
    def open(cls, folder: Path) -> "Index":
        """Open an index. Raises ValueError if it is damaged or the package is not installed."""
        with _translate_damage() as package:
            if package is None:
                raise ValueError("the package unseen-index is not installed")
            return cls(package.HashTable.open(folder))

    def search(self, queries: Packed, radius: int) -> list[Found]:
        """Find every hash within `radius` bits of each query. Raises ValueError on damage."""
        with _translate_damage():
            hits = self._table.search(queries, radius)
        numbers = np.repeat(np.arange(len(queries)), np.diff(hits.limits))
        columns = (numbers.tolist(), hits.distances.tolist(), hits.ids.tolist())
        return [Found(*found) for found in zip(*columns, strict=True)]


def has_index() -> bool:
    """Return whether the package `unseen-index` is installed."""
    return _package() is not None


def save_index(folder: Path, ids: Sequence[int], hashes: bytes) -> None:
    """Build the index of hashes, 32 bytes each, in a new folder."""
    if (package := _package()) is not None:
        table = package.HashTable()
        table.add(np.array(ids, np.int64), np.frombuffer(hashes, np.uint8).reshape(-1, 32))
        table.save(folder)


def _package() -> ModuleType | None:
    """Import the index if it is installed; nothing else in this package needs it."""
    try:
        import unseen_index  # noqa: PLC0415
    except ImportError:
        return None
    return unseen_index


@contextmanager
def _translate_damage() -> Iterator[ModuleType | None]:
    """Raise ValueError for a damaged table, whether or not the package is installed."""
    package = _package()
    damaged = (package.DamagedTableError,) if package else ()
    try:
        yield package
    except damaged as error:
        raise ValueError(str(error)) from error
