"""The search: how fast, beside what else could be picked; and what adds, merges and files cost.

Everything runs on one core but for the last table, which needs two. A batch's figure is the best of
several rounds, in which the indexes take turns (others may use the machine too); the figures of
single look-ups are medians.
"""

import argparse
import json
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

from . import hashes as data
from . import rivals
from .changing import changing_figures
from .hashes import Hashes
from .plots import plot
from .timing import Figures, timed

RADIUS = rivals.RADIUS
RESULTS = Path(__file__).parent / "results" / "search.json"
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
    parser = argparse.ArgumentParser(prog="benchmarks search", description=__doc__)
    parser.add_argument("--plot", type=Path, help="draw the look-ups to this SVG file")
    parser.add_argument("--rows", default="1M,10M", help="sizes, as in 1M,10M (the default)")
    options = parser.parse_args(arguments)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    faiss.omp_set_num_threads(1)
    _warm()
    results: Figures = {"machine": machine(), "radius": RADIUS, "uniform": {}}
    for size in options.rows.split(","):
        rows = int(float(size.replace("M", "e6").replace("k", "e3")))
        results["uniform"][rows] = table = uniform_figures(rows)
        show(f"{size} uniform random hashes", table)
    results["photos"] = compared(data.photo_crops(PHOTO_ROWS, 7), data.photo_crops(BATCH, 8))
    show(f"{PHOTO_ROWS:,} hashes of photos' crops", results["photos"])
    results["crowded"] = crowded_figures(1_000_000)
    show("1M hashes of which 100,000 share whole parts with the query", results["crowded"])
    os.sched_setaffinity(0, cores)
    results["changing"] = changing_figures(1_000_000)
    show("1M hashes that change, two cores", results["changing"])
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    if options.plot:
        plot(results, options.plot)
    print(f"\nWritten to {RESULTS.relative_to(Path.cwd())}")


def uniform_figures(rows: int) -> Figures:
    """Build a table, measure its size and speed, save it and open it in a new process."""
    hashes = data.uniform(rows, 1)
    before = resident()
    start = time.perf_counter()
    table = HashTable()
    table.add(np.arange(rows), hashes)
    table.merge()
    figures: Figures = {"build, s": time.perf_counter() - start}
    figures["bytes a hash beside the code"] = (resident() - before) / rows - 32
    figures |= look_ups(table, hashes, data.queries(hashes, BATCH, 2))
    with tempfile.TemporaryDirectory() as folder:
        table.save(folder)
        figures["open to first answer, s"] = statistics.median(opened(folder) for _ in range(3))
        mapped = HashTable.open(folder)
        figures |= {
            f"{name}, opened": value
            for name, value in our_look_ups(mapped, data.queries(hashes, BATCH, 2)).items()
        }
    return figures


def compared(hashes: Hashes, queries: Hashes) -> Figures:
    """Measure a new table on these hashes beside the others."""
    table = HashTable()
    table.add(np.arange(len(hashes)), hashes)
    return look_ups(table, hashes, queries)


def look_ups(table: HashTable, hashes: Hashes, queries: Hashes) -> Figures:
    """Time the look-ups of a table and of every rival, in turn."""
    lookups: dict[str, rivals.Lookup] = {
        "ours": lambda batch: len(table.search(batch, RADIUS).ids),
        "IndexBinaryFlat": rivals.flat(hashes),
        "IndexBinaryMultiHash": rivals.multi_hash(hashes),
    }
    if len(hashes) <= 1_000_000:  # it keeps a Python object a row
        lookups["PDQIndex"] = rivals.pdq_index(hashes)
    few = queries[: max(10, min(len(queries), 200_000_000 // len(hashes)))]
    answers = {name: lookup(few) for name, lookup in lookups.items()}
    assert len(set(answers.values())) == 1, answers
    times: dict[str, list[float]] = {name: [] for name in lookups}
    for _ in range(ROUNDS):
        for name, lookup in lookups.items():
            batch = queries if name == "ours" else few
            times[name].append(timed(lookup, batch) / len(batch) * 1e6)
    figures: Figures = {f"{name}, us": min(taken) for name, taken in times.items()}
    ours = figures.pop("ours, us")
    figures["batch, us"] = ours
    figures |= our_look_ups(table, queries)
    figures["times faster than IndexBinaryFlat"] = figures["IndexBinaryFlat, us"] / ours
    figures["hits a look-up"] = answers["ours"] / len(few)
    return figures


def crowded_figures(rows: int) -> Figures:
    """Time look-ups into buckets that somebody who knows the table's secret filled on purpose."""
    figures = {}
    for shared in (0, 1, 2, 3, 4, 8):
        table = HashTable()
        hashes = data.crowded(table, rows, rows // 10, shared)
        table.add(np.arange(rows), hashes)
        queries = hashes[:: rows // 10 // BATCH][:BATCH]
        best = min(timed(table.search, queries, RADIUS) for _ in range(ROUNDS))
        figures[f"{shared} parts shared, us"] = best / BATCH * 1e6
    return figures


def our_look_ups(table: HashTable, queries: Hashes) -> Figures:
    """Time look-ups one at a time, Python's overhead included."""
    singles = [
        timed(table.search, queries[place : place + 1], RADIUS) * 1e6
        for _ in range(ROUNDS)
        for place in range(len(queries))
    ]
    return {
        "one at a time, us": statistics.median(singles),
        "one at a time, 99th percentile, us": float(np.percentile(singles, 99)),
    }


def opened(folder: str) -> float:
    """Return the seconds from HashTable.open to the first answer, in a new process."""
    answer = subprocess.run([sys.executable, "-c", OPEN, folder], check=True, capture_output=True)
    return float(answer.stdout)


def resident() -> int:
    """Return the memory of this process in bytes."""
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


def _warm() -> None:
    """Compile or load the kernels before anything is timed."""
    table = HashTable()
    table.add(np.arange(20_000), data.uniform(20_000, 0))
    table.search(data.uniform(2, 0), RADIUS)
