"""The table of hashes: add, remove, and search within a Hamming radius, exactly.

A table consists of segments (the bulk of the rows) and a memtable (the newest rows), much like a
log-structured merge tree. One immutable `_State` refers to both and is replaced as a whole: a
search reads it once, so it sees the table either before a change or after it.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from . import storage
from .gpu import Device, find_device
from .hits import Hits
from .layout import ROWS_MAX
from .memtable import Memtable
from .merging import (
    Rows,
    SegmentSnapshot,
    build_segments,
    choose_for_merge,
    choose_for_rows,
    group,
)
from .segment import Segment
from .shuffle import Shuffle
from .validation import (
    check_hashes,
    check_ids,
    check_nearest,
    check_radius,
    has_duplicates,
)

MEMTABLE_ROWS = 16_384  # scanning this many takes as long as searching a segment


@dataclass(frozen=True, slots=True)
class _State:
    segments: tuple[Segment, ...]
    memtable: Memtable

    def components(self) -> list[Segment | Memtable]:
        return [*self.segments, self.memtable]


class HashTable:
    """A mutable set of (id, hash) rows, searched exactly.

    Any number of threads may search at once, without the GIL, while others add, remove, merge and
    save; adds and removes run one at a time. A scan serves small tables and the newest rows, a
    multi-index the bulk; the answers are the same.
    """

    def __init__(self, *, device: Literal["cpu", "cuda"] | Device = "cpu") -> None:
        """Create an empty table.

        With device="cuda" the first CUDA device scans the bulk of the rows; without one, or
        without FAISS for CUDA, warns (RuntimeWarning) and uses the CPU.
        """
        self._device: Device | None = find_device(device)
        self._shuffle = Shuffle.random()
        self._state = _State((), Memtable.empty())
        # Acquired in this order. The last is held only briefly, and never by a search.
        self._writing = threading.Lock()  # one add or remove at a time
        self._merging = threading.Lock()  # held by the thread that replaces segments
        self._publishing = threading.Lock()  # held to replace the state or to flag removed rows

    def __len__(self) -> int:
        return sum(map(len, self._state.components()))

    @property
    def nbytes(self) -> int:
        """The bytes of its rows and buckets; in an opened table most of them are memory-mapped."""
        return sum(component.nbytes for component in self._state.components())

    def add(self, ids: npt.NDArray[np.int64], hashes: npt.NDArray[np.uint8]) -> None:
        """Add hashes (uint8[n, 32]) under ids (int64[n], 0 to 2**63 - 1, not yet in the table).

        A search sees all of them or none; of more than 2**24, one chunk of that size at a time.
        Raises ValueError for a wrong shape, dtype or range and for an id that is already in the
        table, DamagedTableError as `search` does; the table is then unchanged.
        """
        ids, hashes = check_ids(ids), check_hashes(hashes)
        if len(ids) != len(hashes):
            raise ValueError(f"{len(ids)} ids for {len(hashes)} hashes; pass one id per hash")
        with self._writing:
            if has_duplicates(ids) or self.holds(ids).any():
                raise ValueError("an id is already in the table; remove it first or use a new one")
            if len(ids) >= MEMTABLE_ROWS:
                self._add_to_segments(ids, hashes)
            elif len(ids):
                self._add_to_memtable(ids, hashes)

    def remove(self, ids: npt.NDArray[np.int64]) -> int:
        """Remove the rows with these ids (int64[n]); return how many there were.

        Ids that are not in the table are ignored; a removed id may be added again.
        Raises ValueError for a wrong shape, dtype or range, DamagedTableError as `search` does.
        """
        distinct = np.unique(check_ids(ids))
        with self._writing, self._publishing:
            return sum(component.remove(distinct) for component in self._state.components())

    def holds(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Return for each id (int64[n]) whether it is in the table (bool[n]).

        Raises ValueError for a wrong shape, dtype or range, DamagedTableError as `search` does.
        """
        ids = check_ids(ids)
        present = np.zeros(len(ids), np.bool_)
        for component in self._state.components():
            present |= component.find(ids) >= 0
        return present

    def search(
        self, queries: npt.NDArray[np.uint8], radius: int, *, nearest: int | None = None
    ) -> Hits:
        """Find every row within `radius` bits (inclusive, 0 to 256) of each query (uint8[q, 32]).

        With `nearest` (1 or more), only that many of each query: the nearest, ties by id. The
        memory that a search takes is then bounded by their number, however many rows are near.
        Raises ValueError for a wrong shape, dtype, radius or `nearest`, DamagedTableError if a file
        of an opened table turns out to be damaged.
        """
        queries, radius = check_hashes(queries), check_radius(radius)
        # One more than is wanted tells whether there are more.
        most = None if nearest is None else check_nearest(nearest) + 1
        state = self._state
        raw = [state.memtable.search(queries, radius, most)]
        if state.segments and len(queries):
            codes = self._shuffle(queries)
            raw += [segment.search(codes, radius, most) for segment in state.segments]
        return Hits.from_raw(len(queries), raw, nearest)

    def merge(self) -> None:
        """Merge the memtable and small segments, and drop removed rows.

        Returns when done. Run it in a background thread: searches continue meanwhile, on the old
        segments or on the new ones; adds and removes wait only briefly.
        Raises DamagedTableError as `search` does; the table is then unchanged.
        """
        with self._merging:
            state = self._state
            chosen = choose_for_merge(state.segments)
            has_removed_rows = any(len(segment) < segment.rows for segment in chosen)
            if state.memtable.count or len(chosen) > 1 or has_removed_rows:
                self._merge_segments(chosen, state.memtable)

    def save(self, folder: str | PathLike[str]) -> None:
        """Write the table to a folder, replacing any table there.

        A crash leaves the old table or the new one. One process at a time may save to a folder.
        Raises ValueError if the folder contains other files, OSError if it cannot be written.
        """
        with self._publishing:
            state = self._state
            removed = [segment.removed_rows() for segment in state.segments]
            memtable = state.memtable
            ids, hashes = memtable.rows_except(memtable.removed[: memtable.count])
        data = storage.TableData(self._shuffle, state.segments, removed, ids, hashes)
        storage.write(data, Path(folder))

    @classmethod
    def open(
        cls, folder: str | PathLike[str], *, device: Literal["cpu", "cuda"] | Device = "cpu"
    ) -> "HashTable":
        """Open a saved table. Its files are memory-mapped, and never written to.

        Raises DamagedTableError if the folder contains no table, or one that is damaged, truncated
        or in another format version. Damage to a block is found when a search first needs it.
        """
        data = storage.read(Path(folder))
        table = cls(device=device)
        table._shuffle = data.shuffle
        table._load(data.segments)
        for segment in data.segments[:1]:
            segment.warm_up()
        table._state = _State(tuple(data.segments), Memtable.empty().append(data.ids, data.hashes))
        return table

    def _add_to_memtable(self, ids: npt.NDArray[np.int64], hashes: npt.NDArray[np.uint8]) -> None:
        with self._publishing:
            state = self._state
            self._state = _State(state.segments, state.memtable.append(ids, hashes))
        # During a merge the memtable may outgrow its limit; a later add then flushes it.
        if self._state.memtable.count >= MEMTABLE_ROWS and self._merging.acquire(blocking=False):
            try:
                state = self._state
                chosen = choose_for_rows(state.segments, state.memtable.count)
                self._merge_segments(chosen, state.memtable)
            finally:
                self._merging.release()

    def _add_to_segments(self, ids: npt.NDArray[np.int64], hashes: npt.NDArray[np.uint8]) -> None:
        with self._merging:
            for start in range(0, len(ids), ROWS_MAX):
                chunk = slice(start, start + ROWS_MAX)
                rows = Rows(ids[chunk], self._shuffle(hashes[chunk]))
                chosen = choose_for_rows(self._state.segments, len(rows.ids))
                self._merge_segments(chosen, None, rows)

    def _merge_segments(
        self, chosen: Sequence[Segment], memtable: Memtable | None, more: Rows | None = None
    ) -> None:
        """Replace the chosen segments and the memtable's rows by new segments with `more` rows.

        The caller holds `_merging`, so that no other thread replaces segments meanwhile. Rows that
        are added or removed in the meantime are taken into account when the result is published.
        """
        snapshots = [SegmentSnapshot(segment) for segment in chosen]
        rows, flags = [more] if more else [], np.empty(0, np.bool_)
        if memtable is not None:
            flags = memtable.removed[: memtable.count].copy()
            ids, hashes = memtable.rows_except(flags)
            rows.append(Rows(ids, self._shuffle(hashes)))
        new: list[Segment] = []
        for members in group(snapshots, sum(len(some.ids) for some in rows)):
            new += build_segments([*rows, *(snapshot.rows() for snapshot in members)])
            rows = []
        self._load(new)
        with self._publishing:
            state = self._state
            removed = [snapshot.ids_removed_since() for snapshot in snapshots]
            removed.append(state.memtable.ids_removed_since(flags))
            for segment in new:
                segment.remove(np.concatenate(removed))
            kept = (segment for segment in state.segments if segment not in chosen)
            self._state = _State((*kept, *new), state.memtable.drop_first(len(flags)))

    def _load(self, segments: Sequence[Segment]) -> None:
        """Copy segments to the device, if there is one."""
        for segment in segments:
            if self._device:
                segment.scan_with(self._device.load(segment.codes))
