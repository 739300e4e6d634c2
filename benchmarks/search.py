"""Index lookups compared with FAISS and threatexchange; adds, merges, saving and opening.

Everything runs on one core except the last table, which needs two. Figures for batches are the
best of several rounds in which the indexes take turns, because the machine may be busy; figures for
single lookups are medians.
"""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import faiss
import numba
import numpy as np
from unseen_index import HashTable

from .support import baselines, datasets
from .support.command import benchmark_parser, write_results
from .support.concurrent_updates import measure_concurrent_updates
from .support.datasets import Hashes
from .support.plots import plot
from .support.timing import Figures, timed

RADIUS = baselines.RADIUS
ROUNDS = 5
BATCH = 1000
PHOTO_ROWS = 300_000
OPEN = """
import sys, time, numpy as np
from unseen_index import HashTable
start = time.perf_counter()
HashTable.open(sys.argv[1]).search(np.zeros((1, 32), np.uint8), 31)
print(time.perf_counter() - start)
"""


def main(arguments: list[str]) -> None:
    parser = benchmark_parser("search", __doc__)
    parser.add_argument("--rows", default="1M,10M", help="table sizes (default: %(default)s)")
    parser.add_argument("--plot", metavar="FILE", type=Path, help="plot the lookups to an SVG file")
    options = parser.parse_args(arguments)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    faiss.omp_set_num_threads(1)
    _warm_up()
    results: Figures = {"machine": machine(), "radius": RADIUS, "uniform": {}}
    for size in options.rows.split(","):
        rows = int(float(size.replace("M", "e6").replace("k", "e3")))
        results["uniform"][rows] = figures = measure_uniform(rows)
        show(f"{size} uniform random hashes", figures)
    results["photos"] = measure_photos()
    show(f"{PHOTO_ROWS:,} hashes of crops of photos", results["photos"])
    results["crowded"] = measure_crowded(1_000_000)
    show("1M hashes, of which 100,000 share whole parts with the query", results["crowded"])
    os.sched_setaffinity(0, cores)
    results["concurrent updates"] = measure_concurrent_updates(1_000_000)
    show("1M hashes, updated during lookups, two cores", results["concurrent updates"])
    write_results("search", results)
    if options.plot:
        plot(results, options.plot)


def measure_uniform(rows: int) -> Figures:
    """Build a table; measure its size and speed; save it and open it in a new process."""
    hashes = datasets.uniform(rows, 1)
    queries = datasets.queries(hashes, BATCH, 2)
    before = resident_bytes()
    start = time.perf_counter()
    table = HashTable()
    table.add(np.arange(rows), hashes)
    table.merge()
    figures: Figures = {"build, s": time.perf_counter() - start}
    figures["bytes per hash besides the code"] = (resident_bytes() - before) / rows - 32
    figures |= compare(table, hashes, queries)
    with tempfile.TemporaryDirectory() as folder:
        table.save(folder)
        times = [seconds_to_first_answer(folder) for _ in range(3)]
        figures["open to first answer, s"] = statistics.median(times)
        mapped = HashTable.open(folder)
        figures |= {
            f"{name}, opened": value for name, value in single_lookups(mapped, queries).items()
        }
    return figures


def measure_photos() -> Figures:
    """Compare the indexes on hashes of crops of photos."""
    hashes, queries = datasets.photo_crops(PHOTO_ROWS, 7), datasets.photo_crops(BATCH, 8)
    table = HashTable()
    table.add(np.arange(len(hashes)), hashes)
    return compare(table, hashes, queries)


def compare(table: HashTable, hashes: Hashes, queries: Hashes) -> Figures:
    """Time lookups in a table and in each baseline, taking turns."""
    lookups: dict[str, baselines.Lookup] = {
        "ours": lambda batch: len(table.search(batch, RADIUS).ids),
        "IndexBinaryFlat": baselines.flat(hashes),
        "IndexBinaryMultiHash": baselines.multi_hash(hashes),
    }
    if len(hashes) <= 1_000_000:  # it keeps a Python object per row
        lookups["PDQIndex"] = baselines.pdq_index(hashes)
    few = queries[: max(10, min(len(queries), 200_000_000 // len(hashes)))]
    hits = {name: lookup(few) for name, lookup in lookups.items()}
    assert len(set(hits.values())) == 1, hits
    times: dict[str, list[float]] = {name: [] for name in lookups}
    for _ in range(ROUNDS):
        for name, lookup in lookups.items():
            batch = queries if name == "ours" else few
            times[name].append(timed(lookup, batch) / len(batch) * 1e6)
    figures: Figures = {f"{name}, us": min(taken) for name, taken in times.items()}
    ours = figures.pop("ours, us")
    figures["batch, us"] = ours
    figures |= single_lookups(table, queries)
    figures["speedup over IndexBinaryFlat"] = figures["IndexBinaryFlat, us"] / ours
    figures["hits per lookup"] = hits["ours"] / len(few)
    return figures


def measure_crowded(rows: int) -> Figures:
    """Time lookups in buckets filled by an attacker who knows the table's permutation."""
    figures = {}
    for shared in (0, 1, 2, 3, 4, 8):
        table = HashTable()
        hashes = datasets.crowded(table, rows, rows // 10, shared)
        table.add(np.arange(rows), hashes)
        queries = hashes[:: rows // 10 // BATCH][:BATCH]
        best = min(timed(table.search, queries, RADIUS) for _ in range(ROUNDS))
        figures[f"{shared} parts shared, us"] = best / BATCH * 1e6
    return figures


def single_lookups(table: HashTable, queries: Hashes) -> Figures:
    """Time lookups one at a time, including Python's overhead."""
    singles = [
        timed(table.search, queries[place : place + 1], RADIUS) * 1e6
        for _ in range(ROUNDS)
        for place in range(len(queries))
    ]
    return {
        "single, us": statistics.median(singles),
        "single p99, us": float(np.percentile(singles, 99)),
    }


def seconds_to_first_answer(folder: str) -> float:
    """Return the time from HashTable.open to the first answer in a new process, in seconds."""
    process = subprocess.run([sys.executable, "-c", OPEN, folder], check=True, capture_output=True)
    return float(process.stdout)


def resident_bytes() -> int:
    """Return the resident memory of this process, in bytes."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def machine() -> Figures:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.processor(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
        "faiss": faiss.__version__,
    }


def show(title: str, figures: Figures) -> None:
    print(f"\n{title}")
    for name, value in figures.items():
        print(f"  {name:<40} {value:>12,.2f}")
    sys.stdout.flush()


def _warm_up() -> None:
    """Compile or load the kernels before anything is timed."""
    table = HashTable()
    table.add(np.arange(20_000), datasets.uniform(20_000, 0))
    table.search(datasets.uniform(2, 0), RADIUS)
