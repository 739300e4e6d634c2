"""Searching while the table changes: single adds, and merges in the background."""

import statistics
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from unseen_index import HashTable

from . import hashes as data
from .hashes import Hashes
from .timing import Figures, timed

RADIUS = 31


def changing_figures(rows: int) -> Figures:
    """Search one at a time while another thread adds single rows, then while one merges."""
    hashes, fresh = data.uniform(rows, 1), data.uniform(10_000, 3)
    queries = data.queries(hashes, 1000, 2)
    table = HashTable()
    table.add(np.arange(rows), hashes)
    usual = latencies(table, queries, threading.Event(), 2_000)

    def add() -> None:
        for place in range(len(fresh)):
            table.add(np.array([rows + place]), fresh[place : place + 1])

    with beside(add) as (adding, done):
        while_adding = latencies(table, queries, done)
    with beside(lambda: [merge(table) for _ in range(5)]) as (merging, done):
        while_merging = latencies(table, queries, done)
    return {
        "single add while searching, us": adding[0] / len(fresh) * 1e6,
        **spread("look-up", usual),
        **spread("look-up during adds", while_adding),
        **spread("look-up during merges", while_merging),
        "merge while searching, s": merging[0] / 5,
        "during merges, times the usual": statistics.median(while_merging)
        / statistics.median(usual),
    }


def merge(table: HashTable) -> None:
    """Merge in earnest: a removal makes the segments be built anew."""
    first = np.array([len(table)])
    table.add(first, data.uniform(1, 5))
    table.merge()


def latencies(
    table: HashTable, queries: Hashes, done: threading.Event, most: int | None = None
) -> list[float]:
    """Look up one at a time until done, or so many times; microseconds each."""
    taken: list[float] = []
    while not done.is_set() and (most is None or len(taken) < most):
        place = len(taken) % len(queries)
        taken.append(timed(table.search, queries[place : place + 1], RADIUS) * 1e6)
    return taken


@contextmanager
def beside(work: Callable[[], Any]) -> Iterator[tuple[list[float], threading.Event]]:
    """Run work in a thread; its seconds, and an event that is set when it is done."""
    seconds: list[float] = []
    done = threading.Event()

    def run() -> None:
        seconds.append(timed(work))
        done.set()

    thread = threading.Thread(target=run)
    thread.start()
    yield seconds, done
    thread.join()


def spread(name: str, taken: list[float]) -> Figures:
    return {
        f"{name}, us": statistics.median(taken),
        f"{name}, 99th percentile, us": float(np.percentile(taken, 99)),
    }
