"""The kernels: intrinsics against plain Python, checksums, and caching."""

import pickle
import subprocess
import sys
import types

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core.caching import IndexDataCacheFile
from unseen_index.checksums import BLOCK, block_checksum
from unseen_index.intrinsics import LANES, near_mask, popcount, trailing_zeros
from unseen_index.jit import _STAMP, _ignore_unreadable_index, jit
from unseen_index.probe import probe

ENTRIES = np.random.default_rng(41).integers(0, 1 << 16, 100, dtype=np.uint16)


@jit
def near_mask_kernel(array, index, key, bound):
    return near_mask(array, index, np.uint16(key), np.uint16(bound))


@jit
def count_bits(word):
    return popcount(word), trailing_zeros(np.uint32(word))


@settings(deadline=None)  # the first call compiles
@given(st.integers(0, 100 - LANES), st.integers(0, 65_535), st.integers(0, 16))
def test_near_mask_flags_the_near_entries(index, key, bound):
    near = [(int(entry) ^ key).bit_count() <= bound for entry in ENTRIES[index : index + LANES]]
    assert near_mask_kernel(ENTRIES, index, key, bound) == sum(
        1 << lane for lane in range(LANES) if near[lane]
    )


@settings(deadline=None)  # the first call compiles
@given(st.integers(1, 2**32 - 1))
def test_popcount_and_trailing_zeros(word):
    assert count_bits(np.uint64(word)) == (word.bit_count(), (word & -word).bit_length() - 1)


@settings(deadline=None)  # the first call compiles
@given(
    st.lists(
        st.tuples(st.integers(0, BLOCK - 1), st.integers(1, 255)),
        min_size=1,
        max_size=9,
        unique_by=lambda change: change[0],
    )
)
def test_any_change_to_a_block_changes_its_checksum(changes):
    block = np.resize(ENTRIES.view(np.uint8), BLOCK)
    before = block_checksum(block.view(np.uint64), 0)
    for place, mask in changes:
        block[place] ^= mask
    assert block_checksum(block.view(np.uint64), 0) != before


def test_kernels_compile_when_they_cannot_be_cached():
    """Numba refuses to cache a function without a file, as it does on a read-only system."""
    names: dict = {}
    exec("def double(x):\n    return 2 * x", names)  # noqa: S102
    assert jit(names["double"])(21) == 42


def test_cached_kernels_are_invalidated_when_any_source_file_changes():
    """Numba's own stamp covers one file; ours covers the whole package."""
    assert probe._cache._cache_file._source_stamp == _STAMP


def test_a_cache_of_another_version_with_renamed_classes_is_ignored(tmp_path, monkeypatch):
    """Numba would raise: it unpickles the index of a cache before it compares the stamps."""
    module = types.ModuleType("unseen_index.renamed")
    module.Arrays = type("Arrays", (), {"__module__": module.__name__})
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, module.__name__, module)
        content = pickle.dumps(numba.__version__) + pickle.dumps(("old stamp", {module.Arrays: 1}))
    (tmp_path / "kernel.nbi").write_bytes(content)
    cache_file = IndexDataCacheFile(str(tmp_path), "kernel", _STAMP)
    with pytest.raises(ImportError):
        cache_file._load_index()
    _ignore_unreadable_index(cache_file)
    assert cache_file._load_index() == {}


def test_small_tables_need_no_kernels():
    """FAISS alone serves a tiny table: no kernel is compiled or loaded for it."""
    program = (
        "import numpy as np; from unseen_index import HashTable, probe, shuffle;"
        "t = HashTable(); h = np.zeros((3, 32), np.uint8); t.add(np.arange(3), h);"
        "assert len(t.search(h, 31).ids) == 9;"
        "assert not probe.probe.signatures and not shuffle.shuffle_into.signatures"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
