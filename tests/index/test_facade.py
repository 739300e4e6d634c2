"""The façade: what it lists, what it refuses, what it promises about order and types."""

import numpy as np
import pytest
import unseen_index
from unseen_index import HashTable

IDS = np.array([7, 2**63 - 1, 0], np.int64)
HASHES = np.array([[0] * 32, [255] * 32, [1] + [0] * 31], np.uint8)
NOTHING = np.empty(0, np.int64)


@pytest.fixture
def table() -> HashTable:
    table = HashTable()
    table.add(IDS, HASHES)
    return table


def test_all_is_sorted_and_whole():
    assert unseen_index.__all__ == ["DamagedTableError", "HashTable", "Hits"]
    assert all(hasattr(unseen_index, name) for name in unseen_index.__all__)


def test_nearest_first_then_by_id(table):
    table.add(np.array([3], np.int64), HASHES[:1])
    hits = table.search(HASHES[:1], 1)
    assert hits.ids.tolist() == [3, 7, 0]
    assert hits.distances.tolist() == [0, 0, 1]
    assert hits.limits.tolist() == [0, 3]


def test_types_and_limits_of_answers(table):
    hits = table.search(HASHES, 0)
    assert (hits.limits.dtype, hits.ids.dtype, hits.distances.dtype) == (
        np.int64,
        np.int64,
        np.int32,
    )
    assert hits.limits.tolist() == [0, 1, 2, 3]
    assert hits.ids.tolist() == IDS.tolist()


def test_radius_256_finds_all(table):
    assert len(table.search(HASHES, 256).ids) == 9


def test_no_query_and_no_row(table):
    assert table.search(HASHES[:0], 31).limits.tolist() == [0]
    empty = HashTable()
    assert empty.search(HASHES, 256).limits.tolist() == [0, 0, 0, 0]
    assert (len(empty), empty.remove(IDS)) == (0, 0)
    empty.merge()
    empty.add(NOTHING, HASHES[:0])
    assert len(empty) == 0


def test_holds_says_which_ids_are_there(table):
    asked = np.array([0, 1, 7, 7, 2**63 - 1], np.int64)
    assert table.holds(asked).tolist() == [True, False, True, True, True]
    table.remove(IDS[:1])
    assert table.holds(asked).tolist() == [True, False, False, False, True]
    assert table.holds(NOTHING).tolist() == []
    with pytest.raises(ValueError, match="ids are int64"):
        table.holds(IDS.astype(np.int32))


def test_remove_counts_what_was_there(table):
    assert table.remove(np.array([7, 7, 1, 2**63 - 1], np.int64)) == 2
    assert table.remove(np.array([7], np.int64)) == 0
    assert len(table) == 1
    table.add(np.array([7], np.int64), HASHES[1:2])
    assert table.search(HASHES[1:2], 0).ids.tolist() == [7]


@pytest.mark.parametrize("bulk", [False, True])
def test_ids_in_the_table_are_refused(table, bulk, forced):
    if bulk:
        table.merge()
    for ids in ([5, 7], [5, 5], [5, 2**63 - 1]):
        with pytest.raises(ValueError, match="in the table already"):
            table.add(np.array(ids, np.int64), HASHES[:2])
    assert len(table) == 3


@pytest.mark.parametrize(
    ("ids", "hashes", "message"),
    [
        (IDS.astype(np.int32), HASHES, "int64"),
        (IDS[None], HASHES, "int64"),
        (-IDS, HASHES, "negative"),
        (IDS, HASHES.astype(np.int8), "uint8"),
        (IDS, HASHES[:, :31], "uint8"),
        (IDS, HASHES[0], "uint8"),
        (IDS[:2], HASHES, "2 ids for 3 hashes"),
        ([1, 2], b"", "uint8"),
        (None, HASHES, "int64"),
    ],
)
def test_wrong_rows_are_refused(ids, hashes, message):
    table = HashTable()
    with pytest.raises(ValueError, match=message):
        table.add(ids, hashes)
    assert len(table) == 0


@pytest.mark.parametrize("radius", [-1, 257, 3.5, "31", None])
def test_wrong_radius_is_refused(table, radius):
    with pytest.raises(ValueError, match="the radius is"):
        table.search(HASHES, radius)


def test_wrong_queries_and_removals_are_refused(table):
    with pytest.raises(ValueError, match="uint8"):
        table.search(HASHES.astype(np.float32), 31)
    with pytest.raises(ValueError, match="int64"):
        table.remove(np.array(["7"]))
    with pytest.raises(ValueError, match="the device is"):
        HashTable(device="tpu")


def test_what_was_added_is_a_copy(table):
    hashes = HASHES.copy()
    table.add(np.array([50, 51, 52], np.int64), hashes)
    hashes[:] = 77
    assert 50 in table.search(HASHES[:1], 0).ids


def test_any_memory_layout_serves(table):
    wide = np.zeros((6, 64), np.uint8, order="F")
    wide[::2, ::2] = HASHES
    assert table.search(wide[::2, ::2], 0).ids.tolist() == IDS.tolist()
    readonly = HASHES.copy()
    readonly.flags.writeable = False
    assert table.search(readonly, 0).ids.tolist() == IDS.tolist()


def test_its_size_grows_with_its_rows(table):
    few = table.nbytes
    assert few >= 3 * (32 + 8)
    rng = np.random.default_rng(1)
    table.add(np.arange(100, 20_100), rng.integers(0, 256, (20_000, 32), np.uint8))
    assert table.nbytes > few + 20_000 * (32 + 8)
