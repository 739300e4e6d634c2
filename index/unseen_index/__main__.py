"""`python -m unseen_index` compiles the kernels, so that nobody waits for it later.

For who installs the package, or builds an image of it: the first table would do the same. It uses
a table in every way that there is, so that no list of kernels and of their types has to be kept.
"""

import tempfile
import time
from pathlib import Path

import numpy as np

from . import HashTable
from .probe import probe
from .table import FRESH_ROWS

_RADIUS = 31


def main() -> None:
    """Compile, and say how long it took; exits 1 where it would be forgotten."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        _use_widely(Path(folder))
    if probe.stats.cache_path is None:  # type: ignore[attr-defined]
        raise SystemExit(
            "unseen-index: Numba can keep nothing: let the package's folder be written, or set "
            "NUMBA_CACHE_DIR to a folder that can be"
        )
    print(f"the kernels are compiled, and ready after {time.monotonic() - begun:.1f} s")


def _use_widely(folder: Path) -> None:
    """Use a table that is made here and one that is opened; hashes that may be written or not.

    A kernel is compiled for each of these: an array that is mapped or comes out of a request
    cannot be written.
    """
    ids = np.arange(2 * FRESH_ROWS)
    hashes = np.random.default_rng(1).integers(0, 256, (len(ids), 32), dtype=np.uint8)
    unwritable = np.frombuffer(hashes.tobytes(), np.uint8).reshape(hashes.shape)
    table = HashTable()
    for half, given in ((slice(0, FRESH_ROWS), hashes), (slice(FRESH_ROWS, None), unwritable)):
        table.add(ids[half], given[half])
    table.save(folder)
    for each in (table, HashTable.open(folder)):
        each.remove(ids[:9])
        each.add(ids[:3], hashes[:3])
        each.search(hashes[:1], _RADIUS)
        each.search(unwritable[:99], _RADIUS)
        each.merge()
        each.save(folder)


if __name__ == "__main__":
    main()
