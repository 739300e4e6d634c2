"""`python -m unseen_index` compiles the kernels ahead of time.

Run it when installing the package or building an image; otherwise the first table compiles them.
It exercises every operation of a table, so there is no list of kernels and signatures to maintain.
"""

import tempfile
import time
from pathlib import Path

import numpy as np

from . import HashTable
from .probe import probe
from .table import MEMTABLE_ROWS

_RADIUS = 31


def main() -> None:
    """Compile the kernels and print the time taken; exit 1 if Numba cannot cache them."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        _exercise_tables(Path(folder))
    if probe.stats.cache_path is None:  # type: ignore[attr-defined]
        raise SystemExit(
            "unseen-index: Numba has nowhere to cache the kernels: make the package's folder "
            "writable, or set NUMBA_CACHE_DIR to a writable folder"
        )
    print(f"Compiled the search index's kernels ({time.monotonic() - start:.1f} s)")


def _exercise_tables(folder: Path) -> None:
    """Use a new table and an opened one, with writable and read-only hashes.

    Numba compiles a kernel for each of these: arrays that are memory-mapped or come from a request
    are read-only.
    """
    ids = np.arange(2 * MEMTABLE_ROWS)
    hashes = np.random.default_rng(1).integers(0, 256, (len(ids), 32), dtype=np.uint8)
    read_only = np.frombuffer(hashes.tobytes(), np.uint8).reshape(hashes.shape)
    table = HashTable()
    for half, source in (
        (slice(0, MEMTABLE_ROWS), hashes),
        (slice(MEMTABLE_ROWS, None), read_only),
    ):
        table.add(ids[half], source[half])
    table.save(folder)
    for each in (table, HashTable.open(folder)):
        each.remove(ids[:9])
        each.add(ids[:3], hashes[:3])
        each.search(hashes[:1], _RADIUS)
        each.search(read_only[:99], _RADIUS)
        each.merge()
        each.save(folder)


if __name__ == "__main__":
    main()
