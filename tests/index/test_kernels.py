"""The kernels' small parts: intrinsics against plain Python, and where they are cached."""

import subprocess
import sys

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from unseen_index.checksums import BLOCK, block_sum
from unseen_index.intrinsics import LANES, near_mask, popcount, trailing_zeros
from unseen_index.jit import _STAMP, compiled
from unseen_index.probe import probe

ENTRIES = np.random.default_rng(41).integers(0, 1 << 16, 100, dtype=np.uint16)


@compiled
def masked(array, index, key, bound):
    return near_mask(array, index, np.uint16(key), np.uint16(bound))


@compiled
def counted(word):
    return popcount(word), trailing_zeros(np.uint32(word))


@settings(deadline=None)  # the first call compiles
@given(st.integers(0, 100 - LANES), st.integers(0, 65_535), st.integers(0, 16))
def test_near_mask_flags_the_near_entries(index, key, bound):
    near = [(int(entry) ^ key).bit_count() <= bound for entry in ENTRIES[index : index + LANES]]
    assert masked(ENTRIES, index, key, bound) == sum(
        1 << lane for lane in range(LANES) if near[lane]
    )


@settings(deadline=None)  # the first call compiles
@given(st.integers(1, 2**32 - 1))
def test_popcount_and_trailing_zeros(word):
    assert counted(np.uint64(word)) == (word.bit_count(), (word & -word).bit_length() - 1)


@settings(deadline=None)  # the first call compiles
@given(
    st.lists(
        st.tuples(st.integers(0, BLOCK - 1), st.integers(1, 255)),
        min_size=1,
        max_size=9,
        unique_by=lambda change: change[0],
    )
)
def test_any_change_to_a_block_changes_its_sum(changes):
    block = np.resize(ENTRIES.view(np.uint8), BLOCK)
    before = block_sum(block.view(np.uint64), 0)
    for place, mask in changes:
        block[place] ^= mask
    assert block_sum(block.view(np.uint64), 0) != before


def test_kernels_compile_where_nothing_can_be_cached():
    """A function without a file is what Numba refuses to cache, as on a read-only system."""
    names: dict = {}
    exec("def double(x):\n    return 2 * x", names)  # noqa: S102
    assert compiled(names["double"])(21) == 42


def test_a_cached_kernel_is_dropped_when_any_of_the_source_changes():
    """Numba on its own would look at one file; the stamp is that of the whole package."""
    assert probe._cache._cache_file._source_stamp == _STAMP


def test_the_package_loads_without_compiling_anything():
    """A tiny table is served by FAISS alone: no kernel is made or loaded for it."""
    program = (
        "import numpy as np; from unseen_index import HashTable, probe, shuffle;"
        "t = HashTable(); h = np.zeros((3, 32), np.uint8); t.add(np.arange(3), h);"
        "assert len(t.search(h, 31).ids) == 9;"
        "assert not probe.probe.signatures and not shuffle.shuffle_into.signatures"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
