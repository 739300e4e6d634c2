"""`python -m unseen_index` compiles all that a table ever needs: afterwards nobody waits for it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import unseen_index
from unseen_index import HashTable


def kernels() -> list:
    """Find every kernel of the package, whatever has been imported of it."""
    modules = [module for name, module in sys.modules.items() if name.startswith("unseen_index")]
    found = {id(each): each for module in modules for each in vars(module).values()}
    return [each for each in found.values() if hasattr(each, "py_func")]


def used_in_every_way(folder: Path) -> None:
    """Build, save, open, change and search tables, by other ways than the package's own use."""
    rng = np.random.default_rng(7)
    hashes = rng.integers(0, 256, (60_000, 32), dtype=np.uint8)
    hashes[:9_000] = hashes[0]  # a heavy bucket: queries are planned anew, and then scanned
    hashes[:9_000, 31] = rng.integers(0, 256, 9_000)
    ids = rng.permutation(60_000)
    frozen = np.frombuffer(hashes.tobytes(), np.uint8).reshape(hashes.shape)
    table = HashTable()
    for start in range(0, 20_000, 500):  # fresh rows, until they become a segment
        table.add(ids[start : start + 500], frozen[start : start + 500])
    table.add(ids[20_000:], np.asfortranarray(hashes[20_000:]))
    table.save(folder)
    for each in (table, HashTable.open(folder), HashTable.open(folder)):
        for queries in (hashes[:1], frozen[:1], hashes[::600], frozen[::600], hashes[:0]):
            for radius in (0, 3, 16, 31, 48, 64, 130):
                each.search(queries, radius)
        assert each.remove(ids[5_000:25_000]) == 20_000
        each.search(hashes[::600], 31)
        each.merge()
        each.save(folder)
        each.search(frozen[::600], 31)


def counts_of(package: Path, *arguments: str, **environment: str) -> str:
    """Run Python with this copy of the package; give what it prints."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_")}
    return subprocess.run(
        [sys.executable, *arguments],
        env={**clean, "PYTHONPATH": str(package.parent), **environment},
        stdout=subprocess.PIPE, text=True, check=True,
    ).stdout  # fmt: skip


@pytest.mark.slow
def test_after_it_ran_no_use_of_a_table_compiles_anything(tmp_path: Path) -> None:
    """Also where what is compiled later is kept elsewhere, as in the image."""
    package = tmp_path / "installed" / "unseen_index"
    source = Path(unseen_index.__file__).parent
    shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__"))
    assert "ready after" in counts_of(package, "-m", "unseen_index")
    elsewhere = tmp_path / "elsewhere"
    told = counts_of(
        package, __file__, str(tmp_path / "table"), NUMBA_CACHE_DIR=str(elsewhere)
    ).split()
    assert Path(told[0]) == package, "the copy was used"
    hits, misses = map(int, told[1:])
    assert hits >= 6
    assert misses == 0
    assert [path for path in elsewhere.rglob("*") if path.is_file()] == []


if __name__ == "__main__":
    used_in_every_way(Path(sys.argv[1]))
    stats = [each.stats for each in kernels()]
    print(
        Path(unseen_index.__file__).parent,
        sum(sum(each.cache_hits.values()) for each in stats),
        sum(sum(each.cache_misses.values()) for each in stats),
    )
