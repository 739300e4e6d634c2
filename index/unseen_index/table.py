"""The table of hashes: add, remove, and search within a Hamming radius, exactly.

A table is a tuple of segments (the bulk) and a fresh part. Both are held in one `_State`, which
is replaced as a whole: a search takes the state once and sees the table before a change or
after it.
"""

import operator
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
from .memtable import Fresh
from .merging import Cut, Rows, built, grouped, to_join, to_merge
from .segment import Segment
from .shuffle import HASH_BITS, HASH_BYTES, Shuffle

FRESH_ROWS = 16_384  # a scan of so many takes as long as a search of a segment


@dataclass(frozen=True, slots=True)
class _State:
    segments: tuple[Segment, ...]
    fresh: Fresh

    def parts(self) -> list[Segment | Fresh]:
        return [*self.segments, self.fresh]


class HashTable:
    """A mutable set of (id, hash) rows, searched exactly.

    Any number of threads may search at once, without the GIL, while others add, remove, merge and
    save; those that add and remove take turns. Small tables and the newest rows are found
    by a scan, the bulk by a multi-index; which of them served cannot be seen in an answer.
    """

    def __init__(self, *, device: Literal["cpu", "cuda"] | Device = "cpu") -> None:
        """Make an empty table.

        With device="cuda" the bulk is scanned on the first CUDA device; where there is none, or
        no FAISS for it, a RuntimeWarning says so and the CPU serves.
        """
        self._device: Device | None = find_device(device)
        self._shuffle = Shuffle.random()
        self._state = _State((), Fresh.empty())
        # Taken in this order. The last is held for moments only, and by no search.
        self._writing = threading.Lock()  # one add or remove at a time
        self._merging = threading.Lock()  # held by whoever replaces segments
        self._publishing = threading.Lock()  # held to change the state or a flag of removal

    def __len__(self) -> int:
        return sum(map(len, self._state.parts()))

    @property
    def nbytes(self) -> int:
        """The bytes of its rows and buckets; those of a table that was opened are mapped."""
        return sum(part.nbytes for part in self._state.parts())

    def add(self, ids: npt.NDArray[np.int64], hashes: npt.NDArray[np.uint8]) -> None:
        """Add hashes (uint8[n, 32]) under ids (int64[n], 0 to 2**63 - 1, not yet in the table).

        A search sees all of them or none; of more than 2**24, a piece of that size at a time.
        Raises ValueError on a wrong shape, dtype or range, and on an id that is there already, and
        DamagedTableError as `search` does; the table is then as it was.
        """
        ids, hashes = _checked_ids(ids), _checked_hashes(hashes)
        if len(ids) != len(hashes):
            raise ValueError(f"{len(ids)} ids for {len(hashes)} hashes; give one id a hash")
        with self._writing:
            if _has_duplicates(ids) or self.holds(ids).any():
                raise ValueError("an id is in the table already; remove it first, or use a new one")
            if len(ids) >= FRESH_ROWS:
                self._add_bulk(ids, hashes)
            elif len(ids):
                self._add_fresh(ids, hashes)

    def remove(self, ids: npt.NDArray[np.int64]) -> int:
        """Remove the rows with these ids (int64[n]); return how many there were.

        An id that is not in the table counts 0; one that was removed may be added again.
        Raises ValueError on a wrong shape, dtype or range, DamagedTableError as `search` does.
        """
        wanted = np.unique(_checked_ids(ids))
        with self._writing, self._publishing:
            return sum(part.remove(wanted) for part in self._state.parts())

    def holds(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Say of each id (int64[n]) whether a row has it (bool[n]).

        Raises ValueError on a wrong shape, dtype or range, DamagedTableError as `search` does.
        """
        ids = _checked_ids(ids)
        there = np.zeros(len(ids), np.bool_)
        for part in self._state.parts():
            there |= part.find(ids) >= 0
        return there

    def search(self, queries: npt.NDArray[np.uint8], radius: int) -> Hits:
        """Find every row within `radius` bits (inclusive, 0 to 256) of each query (uint8[q, 32]).

        Raises ValueError on a wrong shape, dtype or radius, DamagedTableError when the files of an
        opened table turn out to be damaged.
        """
        queries, radius = _checked_hashes(queries), _checked_radius(radius)
        state = self._state
        found = [state.fresh.search(queries, radius)]
        if state.segments and len(queries):
            codes = self._shuffle(queries)
            found += [segment.search(codes, radius) for segment in state.segments]
        return Hits.of(len(queries), found)

    def merge(self) -> None:
        """Fold fresh rows and small segments together, and forget what was removed.

        Returns when done. Meant for a thread of its own: searches go on meanwhile and see the old
        segments or the new, adds and removes wait for moments only.
        """
        with self._merging:
            state = self._state
            chosen = to_merge(state.segments)
            clean = all(len(segment) == segment.rows for segment in chosen)
            if state.fresh.count or len(chosen) > 1 or not clean:
                self._fold(chosen, state.fresh)

    def save(self, folder: str | PathLike[str]) -> None:
        """Write the table to a folder, in the place of the table that is there, if any.

        A crash leaves the old table or the new one. One process at a time may save to a folder.
        Raises ValueError when the folder holds other files, OSError when it cannot be written.
        """
        with self._publishing:
            state = self._state
            removed = [
                np.flatnonzero(segment.removed).astype(np.uint32) for segment in state.segments
            ]
            ids, hashes = state.fresh.alive(state.fresh.removed[: state.fresh.count])
        saved = storage.Saved(self._shuffle, state.segments, removed, ids, hashes)
        storage.write(saved, Path(folder))

    @classmethod
    def open(
        cls, folder: str | PathLike[str], *, device: Literal["cpu", "cuda"] | Device = "cpu"
    ) -> "HashTable":
        """Open a saved table. Its files are mapped, shared by all processes, and never changed.

        Raises DamagedTableError when the folder holds no table, or one that is damaged, truncated
        or of another version. Damage to a block is found when a search first needs the block.
        """
        saved = storage.read(Path(folder))
        table = cls(device=device)
        table._shuffle = saved.shuffle
        table._load(saved.segments)
        for segment in saved.segments[:1]:
            segment.warm()
        table._state = _State(tuple(saved.segments), Fresh.empty().added(saved.ids, saved.hashes))
        return table

    def _add_fresh(self, ids: npt.NDArray[np.int64], hashes: npt.NDArray[np.uint8]) -> None:
        with self._publishing:
            state = self._state
            self._state = _State(state.segments, state.fresh.added(ids, hashes))
        # While a merge runs the fresh part may outgrow its limit; it is folded when that is done.
        if self._state.fresh.count >= FRESH_ROWS and self._merging.acquire(blocking=False):
            try:
                state = self._state
                self._fold(to_join(state.segments, state.fresh.count), state.fresh)
            finally:
                self._merging.release()

    def _add_bulk(self, ids: npt.NDArray[np.int64], hashes: npt.NDArray[np.uint8]) -> None:
        with self._merging:
            for start in range(0, len(ids), ROWS_MAX):
                piece = slice(start, start + ROWS_MAX)
                rows = Rows(ids[piece], self._shuffle(hashes[piece]))
                chosen = to_join(self._state.segments, len(rows.ids))
                self._fold(chosen, None, rows)

    def _fold(
        self, chosen: Sequence[Segment], fresh: Fresh | None, more: Rows | None = None
    ) -> None:
        """Replace the chosen segments and what `fresh` shows by new segments, with `more` rows.

        To be called by the holder of `_merging`, so nobody else replaces segments meanwhile; but
        rows may be removed and added, which is made good when the new segments are published.
        """
        cuts = [Cut(segment) for segment in chosen]
        rows, gone = [more] if more else [], np.empty(0, np.bool_)
        if fresh:
            gone = fresh.removed[: fresh.count].copy()
            ids, hashes = fresh.alive(gone)
            rows.append(Rows(ids, self._shuffle(hashes)))
        new: list[Segment] = []
        for group in grouped(cuts, sum(len(some.ids) for some in rows)):
            new += built([*rows, *(cut.rows() for cut in group)])
            rows = []
        self._load(new)
        with self._publishing:
            state = self._state
            late = [cut.removed_since() for cut in cuts]
            late.append(state.fresh.ids_removed_since(gone))
            for segment in new:
                segment.remove(np.concatenate(late))
            kept = (segment for segment in state.segments if segment not in chosen)
            self._state = _State((*kept, *new), state.fresh.after(len(gone)))

    def _load(self, segments: Sequence[Segment]) -> None:
        """Copy segments to the device, if there is one."""
        for segment in segments:
            if self._device:
                segment.scan_with(self._device.load(segment.codes))


def _checked_ids(ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    ids = np.asarray(ids)
    if ids.ndim != 1 or ids.dtype != np.int64:
        raise ValueError(f"ids are int64[n], not {ids.dtype}{list(ids.shape)}")
    if len(ids) and ids.min() < 0:
        raise ValueError("ids are 0 to 2**63 - 1; one is negative")
    return ids


def _checked_hashes(hashes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    hashes = np.asarray(hashes)
    if hashes.ndim != 2 or hashes.shape[1] != HASH_BYTES or hashes.dtype != np.uint8:
        raise ValueError(
            f"hashes are uint8[n, {HASH_BYTES}], not {hashes.dtype}{list(hashes.shape)}"
        )
    return np.ascontiguousarray(hashes)


def _checked_radius(radius: int) -> int:
    try:
        whole = operator.index(radius)
    except TypeError as error:
        raise ValueError(f"the radius is a whole number of bits, not {radius!r}") from error
    if not 0 <= whole <= HASH_BITS:
        raise ValueError(f"the radius is 0 to {HASH_BITS} bits, not {whole}")
    return whole


def _has_duplicates(ids: npt.NDArray[np.int64]) -> bool:
    if len(ids) < 2 or (ids[1:] > ids[:-1]).all():
        return False
    ordered = np.sort(ids)
    return bool((ordered[1:] == ordered[:-1]).any())
