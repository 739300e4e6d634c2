"""Saved indexes: a restart reads no database, and all workers of a host share one in memory.

Each is a folder `position-N` with the table and its origin: the position in the change log, and
the mark (time) of the change there. The mark tells whether the database is the one that the
table was built from: after a restore, the position alone could be that of another history.
"""

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from unseen_index import HashTable

from ..settings import Device

_NAME = re.compile(r"position-(\d{20})\Z")


@dataclass(frozen=True, slots=True)
class Saved:
    """One saved index: its folder, and the position and mark up to which changes are applied."""

    folder: Path
    position: int
    mark: str

    def open(self, device: Device) -> HashTable:
        """Open its table. Raises what HashTable.open raises."""
        return HashTable.open(self.folder / "table", device=device)


class SavedIndexes:
    """The saved indexes in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def newest_first(self) -> list[Saved]:
        """Return the complete saved indexes."""
        if not self._folder.is_dir():
            return []
        found = [_read(each) for each in self._folder.iterdir() if _NAME.match(each.name)]
        return sorted((each for each in found if each), key=lambda each: -each.position)

    def publish(self, table: HashTable, position: int, mark: str) -> None:
        """Save a table in a folder of its own, and remove all but it and the previous one.

        Call it while holding `exclusive`. Raises OSError, for example on a full disk: then what
        was saved last is still there.
        """
        place = self._folder / f"position-{position:020}"
        unfinished = self._folder / f"unfinished-{os.getpid()}"
        self._sweep()
        try:
            unfinished.mkdir(parents=True)
            table.save(unfinished / "table")
            origin = json.dumps({"position": position, "mark": mark})
            (unfinished / "origin.json").write_text(origin)
            shutil.rmtree(place, ignore_errors=True)
            unfinished.rename(place)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def _sweep(self) -> None:
        """Make room: remove all but the newest, and what killed processes left behind."""
        kept = {each.folder for each in self.newest_first()[:1]}
        for each in self._folder.iterdir() if self._folder.is_dir() else ():
            if each not in kept and (_NAME.match(each.name) or each.name.startswith("unfinished-")):
                shutil.rmtree(each, ignore_errors=True)

    def remove(self, saved: Saved) -> None:
        """Remove a saved index; a process that has it open keeps it until it closes it."""
        shutil.rmtree(saved.folder, ignore_errors=True)

    @contextmanager
    def exclusive(self, *, wait: bool) -> Iterator[bool]:
        """Yield as the only process that saves here; without `wait`, False if another does."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            yield True


def _read(folder: Path) -> Saved | None:
    try:
        origin = json.loads((folder / "origin.json").read_text())
        return Saved(folder, int(origin["position"]), str(origin["mark"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
