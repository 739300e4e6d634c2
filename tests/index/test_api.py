"""The public API: its names, the arguments it rejects, the order and types of its answers."""

import numpy as np
import pytest
import unseen_index
from unseen_index import HashTable

IDS = np.array([7, 2**63 - 1, 0], np.int64)
HASHES = np.array([[0] * 32, [255] * 32, [1] + [0] * 31], np.uint8)
NO_IDS = np.empty(0, np.int64)


@pytest.fixture
def table() -> HashTable:
    table = HashTable()
    table.add(IDS, HASHES)
    return table


def test_all_lists_the_public_names():
    assert unseen_index.__all__ == ["DamagedTableError", "HashTable", "Hits"]
    assert all(hasattr(unseen_index, name) for name in unseen_index.__all__)


def test_hits_are_sorted_by_distance_then_id(table):
    table.add(np.array([3], np.int64), HASHES[:1])
    hits = table.search(HASHES[:1], 1)
    assert hits.ids.tolist() == [3, 7, 0]
    assert hits.distances.tolist() == [0, 0, 1]
    assert hits.limits.tolist() == [0, 3]


def test_dtypes_and_limits(table):
    hits = table.search(HASHES, 0)
    assert (hits.limits.dtype, hits.ids.dtype, hits.distances.dtype) == (
        np.int64,
        np.int64,
        np.int32,
    )
    assert hits.limits.tolist() == [0, 1, 2, 3]
    assert hits.ids.tolist() == IDS.tolist()


def test_radius_256_finds_every_row(table):
    assert len(table.search(HASHES, 256).ids) == 9


def test_no_queries_or_no_rows(table):
    assert table.search(HASHES[:0], 31).limits.tolist() == [0]
    empty = HashTable()
    assert empty.search(HASHES, 256).limits.tolist() == [0, 0, 0, 0]
    assert (len(empty), empty.remove(IDS)) == (0, 0)
    empty.merge()
    empty.add(NO_IDS, HASHES[:0])
    assert len(empty) == 0


def test_holds(table):
    ids = np.array([0, 1, 7, 7, 2**63 - 1], np.int64)
    assert table.holds(ids).tolist() == [True, False, True, True, True]
    table.remove(IDS[:1])
    assert table.holds(ids).tolist() == [True, False, False, False, True]
    assert table.holds(NO_IDS).tolist() == []
    with pytest.raises(ValueError, match="ids must be int64"):
        table.holds(IDS.astype(np.int32))


def test_remove_returns_how_many_rows_there_were(table):
    assert table.remove(np.array([7, 7, 1, 2**63 - 1], np.int64)) == 2
    assert table.remove(np.array([7], np.int64)) == 0
    assert len(table) == 1
    table.add(np.array([7], np.int64), HASHES[1:2])
    assert table.search(HASHES[1:2], 0).ids.tolist() == [7]


def test_merge_drops_the_rows_of_a_memtable_in_which_all_are_removed(table):
    table.remove(IDS)
    table.merge()
    assert table.nbytes == 0


@pytest.mark.parametrize("bulk", [False, True])
def test_adding_an_existing_id_is_rejected(table, bulk, multi_index):
    if bulk:
        table.merge()
    for ids in ([5, 7], [5, 5], [5, 2**63 - 1]):
        with pytest.raises(ValueError, match="already in the table"):
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
def test_wrong_rows_are_rejected(ids, hashes, message):
    table = HashTable()
    with pytest.raises(ValueError, match=message):
        table.add(ids, hashes)
    assert len(table) == 0


@pytest.mark.parametrize("radius", [-1, 257, 3.5, "31", None])
def test_a_wrong_radius_is_rejected(table, radius):
    with pytest.raises(ValueError, match="the radius must be"):
        table.search(HASHES, radius)


def test_wrong_queries_removals_and_devices_are_rejected(table):
    with pytest.raises(ValueError, match="uint8"):
        table.search(HASHES.astype(np.float32), 31)
    with pytest.raises(ValueError, match="int64"):
        table.remove(np.array(["7"]))
    with pytest.raises(ValueError, match="the device must be"):
        HashTable(device="tpu")


def test_added_hashes_are_copied(table):
    hashes = HASHES.copy()
    table.add(np.array([50, 51, 52], np.int64), hashes)
    hashes[:] = 77
    assert 50 in table.search(HASHES[:1], 0).ids


def test_any_memory_layout_is_accepted(table):
    wide = np.zeros((6, 64), np.uint8, order="F")
    wide[::2, ::2] = HASHES
    assert table.search(wide[::2, ::2], 0).ids.tolist() == IDS.tolist()
    read_only = HASHES.copy()
    read_only.flags.writeable = False
    assert table.search(read_only, 0).ids.tolist() == IDS.tolist()


def test_nbytes_grows_with_the_rows(table):
    before = table.nbytes
    assert before >= 3 * (32 + 8)
    rng = np.random.default_rng(1)
    table.add(np.arange(100, 20_100), rng.integers(0, 256, (20_000, 32), np.uint8))
    assert table.nbytes > before + 20_000 * (32 + 8)
