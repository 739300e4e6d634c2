"""Lookups while the table changes: single adds, and merges in the background."""

import statistics
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from unseen_index import HashTable

from . import datasets
from .datasets import Hashes
from .timing import Figures, timed

RADIUS = 31


def measure_concurrent_updates(rows: int) -> Figures:
    """Look up one at a time while another thread adds single rows, then while it merges."""
    hashes, new = datasets.uniform(rows, 1), datasets.uniform(10_000, 3)
    queries = datasets.queries(hashes, 1000, 2)
    table = HashTable()
    table.add(np.arange(rows), hashes)
    idle = latencies(table, queries, threading.Event(), 2_000)

    def add() -> None:
        for place in range(len(new)):
            table.add(np.array([rows + place]), new[place : place + 1])

    with background(add) as (add_seconds, done):
        while_adding = latencies(table, queries, done)
    with background(lambda: [force_merge(table) for _ in range(5)]) as (merge_seconds, done):
        while_merging = latencies(table, queries, done)
    return {
        "single add during lookups, us": add_seconds[0] / len(new) * 1e6,
        **percentiles("lookup", idle),
        **percentiles("lookup during adds", while_adding),
        **percentiles("lookup during merges", while_merging),
        "merge during lookups, s": merge_seconds[0] / 5,
        "slowdown during merges": statistics.median(while_merging) / statistics.median(idle),
    }


def force_merge(table: HashTable) -> None:
    """Add a row, so that the merge has to rebuild a segment."""
    table.add(np.array([len(table)]), datasets.uniform(1, 5))
    table.merge()


def latencies(
    table: HashTable, queries: Hashes, done: threading.Event, limit: int | None = None
) -> list[float]:
    """Look up one at a time until done or until the limit; return microseconds per lookup."""
    taken: list[float] = []
    while not done.is_set() and (limit is None or len(taken) < limit):
        place = len(taken) % len(queries)
        taken.append(timed(table.search, queries[place : place + 1], RADIUS) * 1e6)
    return taken


@contextmanager
def background(work: Callable[[], Any]) -> Iterator[tuple[list[float], threading.Event]]:
    """Run work in a thread; yield a list for its duration (s), and an event set when it ends."""
    seconds: list[float] = []
    done = threading.Event()

    def run() -> None:
        seconds.append(timed(work))
        done.set()

    thread = threading.Thread(target=run)
    thread.start()
    yield seconds, done
    thread.join()


def percentiles(name: str, taken: list[float]) -> Figures:
    return {
        f"{name}, median us": statistics.median(taken),
        f"{name}, p99 us": float(np.percentile(taken, 99)),
    }
