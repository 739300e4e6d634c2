"""Any sequence of adds, removes, merges, saves and searches agrees with brute force."""

import tempfile
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from unseen_index import HashTable

# Few ids and few distinct bits, so that re-adds, duplicates and near hashes are frequent.
some_ids = st.lists(
    st.one_of(st.integers(0, 40), st.integers(2**63 - 4, 2**63 - 1)),
    unique=True,
    min_size=1,
    max_size=24,
)
seeds = st.integers(0, 2**32 - 1)
kinds = st.sampled_from(["uniform", "zero", "near", "half"])


def hashes_of(kind: str, seed: int, count: int) -> np.ndarray:
    """Return hashes that are uniform, all zero, near zero, or zero in their first half."""
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 256, (count, 32), dtype=np.uint8)
    if kind == "zero":
        hashes[:] = 0
    elif kind == "near":
        hashes &= rng.integers(0, 256, (count, 32), dtype=np.uint8)
        hashes &= rng.integers(0, 256, (count, 32), dtype=np.uint8)
        hashes &= rng.integers(0, 256, (count, 32), dtype=np.uint8)
    elif kind == "half":
        hashes[:, :16] = 0
    return hashes


@pytest.fixture
def machine(oracle, equal):
    class Operations(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.rows = HashTable(), {}
            self.folder = tempfile.TemporaryDirectory()

        def teardown(self) -> None:
            self.folder.cleanup()

        @rule(ids=some_ids, kind=kinds, seed=seeds)
        def add(self, ids, kind, seed):
            new = [key for key in ids if key not in self.rows]
            hashes = hashes_of(kind, seed, len(new))
            self.table.add(np.array(new, np.int64), hashes)
            self.rows.update(zip(new, map(bytes, hashes), strict=True))

        @rule(ids=some_ids)
        def remove(self, ids):
            present = [self.rows.pop(key) for key in ids if key in self.rows]
            assert self.table.remove(np.array(ids, np.int64)) == len(present)

        @rule(ids=some_ids, seed=seeds)
        def add_existing(self, ids, seed):
            if self.rows.keys() & set(ids):
                with pytest.raises(ValueError, match="already"):
                    self.table.add(np.array(ids, np.int64), hashes_of("uniform", seed, len(ids)))

        @rule()
        def merge(self):
            self.table.merge()

        @rule()
        def reopen(self):
            folder = Path(self.folder.name) / "table"
            self.table.save(folder)
            self.table = HashTable.open(folder)

        @rule(
            radius=st.integers(0, 256),
            kind=kinds,
            seed=seeds,
            nearest=st.one_of(st.none(), st.integers(1, 30)),
        )
        def search(self, radius, kind, seed, nearest):
            queries = hashes_of(kind, seed, 3)
            stored = [list(code) for code in list(self.rows.values())[:3]]
            queries = np.concatenate([queries, np.array(stored, np.uint8).reshape(-1, 32)])
            assert len(self.table) == len(self.rows)
            got = self.table.search(queries, radius, nearest=nearest)
            assert equal(got, oracle(self.rows, queries, radius, nearest))

    return Operations


@pytest.mark.parametrize("memtable_rows", [8, 16_384])
def test_any_sequence_of_operations(machine, force_multi_index, memtable_rows):
    with force_multi_index(memtable_rows=memtable_rows):
        run_state_machine_as_test(machine, settings=_settings(25))


@pytest.mark.slow
def test_any_long_sequence_of_operations(machine, force_multi_index):
    with force_multi_index(memtable_rows=8):
        run_state_machine_as_test(machine, settings=_settings(200))


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
