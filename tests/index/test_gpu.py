"""The range search over a nearest-neighbour search: exact even if k is too small."""

import faiss
import numpy as np
import pytest
from unseen_index import HashTable, gpu
from unseen_index.gpu import NearestScan, find_device
from unseen_index.scan import FlatScan

HAS_GPU = hasattr(faiss, "GpuIndexBinaryFlat") and faiss.get_num_gpus() > 0
RNG = np.random.default_rng(31)


class CappedDevice:
    """FAISS's flat index on the CPU, with the k limit of a device; records its calls."""

    def __init__(self, max_k: int = 2048) -> None:
        self.max_k, self.calls = max_k, []

    def load(self, codes):
        index = faiss.IndexBinaryFlat(256)
        index.add(np.ascontiguousarray(codes).view(np.uint8).reshape(-1, 32))

        def nearest(queries, k):
            assert k <= self.max_k
            self.calls.append((len(queries), k))
            return index.search(queries, k)

        return NearestScan(codes, nearest, self.max_k)


def crowded(rows: int) -> np.ndarray:
    """Return hashes of which the first half are within a few bits of zero."""
    hashes = RNG.integers(0, 256, (rows, 32), dtype=np.uint8)
    hashes[: rows // 2] &= (RNG.random((rows // 2, 32)) < 0.02).astype(np.uint8)
    return hashes


@pytest.mark.parametrize("rows", [1, 20, 100, 1_000, 6_000])
@pytest.mark.parametrize("radius", [0, 5, 31, 130, 256])
def test_nearest_scan_equals_flat_scan(rows, radius):
    codes = crowded(rows).view(np.uint64)
    queries = np.concatenate([codes[:: max(1, rows // 7)], ~codes[:1]])
    got = CappedDevice().load(codes)(queries, radius)
    want = FlatScan(codes)(queries, radius)
    assert sorted(zip(*map(np.ndarray.tolist, got), strict=True)) == sorted(
        zip(*map(np.ndarray.tolist, want), strict=True)
    )


def test_only_incomplete_queries_are_searched_again():
    device = CappedDevice()
    codes = crowded(6_000).view(np.uint64)
    scan = device.load(codes)
    scan(np.concatenate([codes[:1], codes[-3:]]), 31)
    assert device.calls == [(4, gpu.FIRST_K), (1, gpu.MAX_K)]


@pytest.mark.parametrize("max_k", [7, 2048])
def test_a_table_on_a_device_agrees_with_brute_force(max_k, multi_index, tmp_path, oracle, equal):
    hashes = crowded(3_000)
    model = dict(enumerate(map(bytes, hashes)))
    table = HashTable(device=CappedDevice(max_k))
    table.add(np.arange(3_000), hashes)
    table.add(np.array([5_000]), hashes[:1])
    table.remove(np.array([0, 9]))
    model[5_000] = model.pop(0)
    del model[9]
    queries = hashes[::400]
    for radius in (0, 31, 140, 256):
        assert equal(table.search(queries, radius), oracle(model, queries, radius))
        for nearest in (1, 16, 40, 2_500):
            want = oracle(model, queries, radius, nearest)
            assert equal(table.search(queries, radius, nearest=nearest), want)
    table.save(tmp_path / "table")
    for device in (CappedDevice(max_k), "cpu"):
        reopened = HashTable.open(tmp_path / "table", device=device)
        assert equal(reopened.search(queries, 31), oracle(model, queries, 31))


@pytest.mark.skipif(HAS_GPU, reason="needs a machine without a CUDA device")
def test_without_cuda_the_cpu_is_used_with_a_warning():
    with pytest.warns(RuntimeWarning, match=r"CUDA.*unseen-index\[gpu\]") as caught:
        table = HashTable(device="cuda")
    assert caught[0].filename == __file__
    table.add(np.array([1]), np.zeros((1, 32), np.uint8))
    assert table.search(np.zeros((1, 32), np.uint8), 0).ids.tolist() == [1]


def test_faiss_with_cuda_but_without_a_device_warns(monkeypatch):
    monkeypatch.setattr(faiss, "GpuIndexBinaryFlat", object, raising=False)
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 0, raising=False)
    with pytest.warns(RuntimeWarning, match="no CUDA device"):
        assert find_device("cuda") is None


@pytest.mark.gpu
@pytest.mark.skipif(not HAS_GPU, reason="needs a CUDA device and unseen-index[gpu]")
@pytest.mark.parametrize("radius", [0, 31, 130, 256])
def test_on_a_cuda_device(radius, oracle, equal):
    hashes = crowded(50_000)
    table = HashTable(device="cuda")
    table.add(np.arange(50_000), hashes)
    queries = hashes[::5_000]
    model = dict(enumerate(map(bytes, hashes)))
    assert equal(table.search(queries, radius), oracle(model, queries, radius))
    for nearest in (1, 16, 40):
        want = oracle(model, queries, radius, nearest)
        assert equal(table.search(queries, radius, nearest=nearest), want)
