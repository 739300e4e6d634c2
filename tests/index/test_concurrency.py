"""Threads search while one writes and another merges."""

import threading
from concurrent.futures import ThreadPoolExecutor

import faiss
import numpy as np
import pytest
from unseen_index import HashTable, merging, table

ROWS = 6_000
RNG = np.random.default_rng(21)
HASHES = RNG.integers(0, 256, (ROWS, 32), dtype=np.uint8)
CHANGING = np.arange(1, ROWS, 2)  # rows with even ids are never touched


def test_searches_are_consistent_while_the_table_changes(force_multi_index):
    """Untouched rows are always found; each row at most once, with the right distance."""
    with force_multi_index(memtable_rows=64):
        shared = HashTable()
        shared.add(np.arange(ROWS), HASHES)
        done = threading.Event()
        with ThreadPoolExecutor(5) as pool:
            searches = [pool.submit(search_until, shared, done, seed) for seed in range(3)]
            writer = pool.submit(write, shared)
            merger = pool.submit(merge_until, shared, done)
            try:
                writer.result()
            finally:
                done.set()
            assert merger.result() > 0
            assert sum(search.result() for search in searches) > 0
        shared.merge()
        assert len(shared) == ROWS
        assert shared.search(HASHES, 0).ids.tolist() == list(range(ROWS))


def write(shared: HashTable) -> None:
    rng = np.random.default_rng(0)
    for _ in range(150):
        some = rng.choice(CHANGING, 40, replace=False)
        assert shared.remove(some) == 40
        shared.add(some, HASHES[some])


def merge_until(shared: HashTable, done: threading.Event) -> int:
    merges = 0
    while not done.is_set():
        shared.merge()
        merges += 1
    return merges


def search_until(shared: HashTable, done: threading.Event, seed: int) -> int:
    rng = np.random.default_rng(seed)
    searches = 0
    while not done.is_set():
        rows = rng.integers(0, ROWS, 20)
        hits = shared.search(HASHES[rows], 31)
        for place, row in enumerate(rows.tolist()):
            found = hits.ids[hits.limits[place] : hits.limits[place + 1]].tolist()
            assert found == [row] or (row % 2 and not found)
        assert not hits.distances.any()
        searches += 1
    return searches


def test_a_removal_during_a_merge_is_not_lost(multi_index, monkeypatch):
    """Remove and re-add rows after the new segments are built, before they are published."""
    shared = HashTable()
    shared.add(np.arange(100), HASHES[:100])
    shared.add(np.arange(100, 105), HASHES[100:105])
    build = merging.Segment.build

    def build_then_change(ids, codes):
        segment = build(ids, codes)
        assert shared.remove(np.array([3, 4, 101, 102])) == 4
        shared.add(np.array([4, 102, 200]), HASHES[[50, 51, 52]])
        return segment

    monkeypatch.setattr(merging.Segment, "build", build_then_change)
    shared.merge()
    monkeypatch.undo()
    assert len(shared) == 104
    assert shared.search(HASHES[[3, 4, 101, 102]], 0).ids.tolist() == []
    assert shared.search(HASHES[50:53], 0).ids.tolist() == [4, 50, 51, 102, 52, 200]
    shared.merge()
    assert len(shared) == 104


def test_a_failed_merge_changes_nothing(multi_index, monkeypatch):
    shared = HashTable()
    shared.add(np.arange(100), HASHES[:100])
    shared.remove(np.array([5]))

    def fail(_ids, _codes):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(merging.Segment, "build", fail)
        with pytest.raises(MemoryError):
            shared.merge()
    assert len(shared) == 99
    shared.merge()
    assert shared.search(HASHES[:100], 0).ids.tolist() == [i for i in range(100) if i != 5]


def test_small_adds_leave_few_segments(monkeypatch):
    """The logarithmic method: hundreds of small adds, a handful of segments."""
    monkeypatch.setattr(table, "MEMTABLE_ROWS", 64)
    grown = HashTable()
    for start in range(0, ROWS, 10):
        grown.add(np.arange(start, start + 10), HASHES[start : start + 10])
    assert 1 <= len(grown._state.segments) <= 8
    grown.merge()
    assert len(grown._state.segments) == 1
    assert grown.search(HASHES, 0).ids.tolist() == list(range(ROWS))


def test_a_search_does_not_change_the_threads_of_faiss():
    small = HashTable()
    small.add(np.arange(100), HASHES[:100])
    faiss.omp_set_num_threads(2)
    small.search(HASHES[:1], 31)
    assert faiss.omp_get_max_threads() == 2
