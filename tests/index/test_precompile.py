"""`python -m unseen_index` compiles every kernel that a table needs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import unseen_index
from unseen_index import HashTable

from tests.support.environment import clean_environment


def kernels() -> list:
    """Return every kernel in the modules of the package that have been imported."""
    modules = [module for name, module in sys.modules.items() if name.startswith("unseen_index")]
    found = {id(each): each for module in modules for each in vars(module).values()}
    return [each for each in found.values() if hasattr(each, "py_func")]


def exercise_tables(folder: Path) -> None:
    """Build, save, open, change and search tables, in other ways than the package itself does."""
    rng = np.random.default_rng(7)
    hashes = rng.integers(0, 256, (60_000, 32), dtype=np.uint8)
    hashes[:9_000] = hashes[0]  # a heavy bucket: queries are replanned, and then scanned
    hashes[:9_000, 31] = rng.integers(0, 256, 9_000)
    ids = rng.permutation(60_000)
    read_only = np.frombuffer(hashes.tobytes(), np.uint8).reshape(hashes.shape)
    table = HashTable()
    for start in range(0, 20_000, 500):  # into the memtable, until it is flushed to a segment
        table.add(ids[start : start + 500], read_only[start : start + 500])
    table.add(ids[20_000:], np.asfortranarray(hashes[20_000:]))
    table.save(folder)
    for each in (table, HashTable.open(folder), HashTable.open(folder)):
        for queries in (hashes[:1], read_only[:1], hashes[::600], read_only[::600], hashes[:0]):
            for radius in (0, 3, 16, 31, 48, 64, 130):
                each.search(queries, radius)
        assert each.remove(ids[5_000:25_000]) == 20_000
        each.search(hashes[::600], 31)
        each.merge()
        each.save(folder)
        each.search(read_only[::600], 31)


def run_python(package: Path, *arguments: str, **environment: str) -> str:
    """Run Python with this copy of the package, and the tests; return its output."""
    path = os.pathsep.join([str(package.parent), str(Path(__file__).parents[2])])
    return subprocess.run(
        [sys.executable, *arguments],
        env=clean_environment(PYTHONPATH=path, **environment),
        stdout=subprocess.PIPE, text=True, check=True,
    ).stdout  # fmt: skip


@pytest.mark.slow
def test_nothing_is_compiled_after_precompiling(tmp_path: Path) -> None:
    """Even if Numba's cache folder is another one by then, as in the container image."""
    package = tmp_path / "installed" / "unseen_index"
    source = Path(unseen_index.__file__).parent
    shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__"))
    assert "Compiled the search index's kernels" in run_python(package, "-m", "unseen_index")
    elsewhere = tmp_path / "elsewhere"
    output = run_python(
        package, __file__, str(tmp_path / "table"), NUMBA_CACHE_DIR=str(elsewhere)
    ).split()
    assert Path(output[0]) == package, "another copy was imported"
    hits, misses = map(int, output[1:])
    assert hits >= 6
    assert misses == 0
    assert [path for path in elsewhere.rglob("*") if path.is_file()] == []


if __name__ == "__main__":
    exercise_tables(Path(sys.argv[1]))
    stats = [each.stats for each in kernels()]
    print(
        Path(unseen_index.__file__).parent,
        sum(sum(each.cache_hits.values()) for each in stats),
        sum(sum(each.cache_misses.values()) for each in stats),
    )
