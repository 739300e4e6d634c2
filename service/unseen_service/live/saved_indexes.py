"""Saved indexes: a restart reads no database, and all workers of a host share one in memory.

Each is a folder `position-N` with the table and its origin: the position in the change log, and
the mark (time) of the change there. The mark tells whether the database is the one that the
table was built from: after a restore, the position alone could be that of another history.
"""

import fcntl
import json
import logging
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from unseen_index import HashTable

from ..runtime.private_files import FilesExposed, check_folder, make_folder, open_file
from ..settings import Device

_TOUCH_EVERY_S = 3.0
_SILENCE_S = 30.0
"""How long the holder of the lock may show no sign of life: it may be frozen, or not a worker."""

_POLL_INTERVAL_S = 0.1

logger = logging.getLogger(__name__)

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
        """Return the complete saved indexes; none if another account could have put them there."""
        try:
            check_folder(self._folder)
        except FilesExposed:
            return []
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
            unfinished.mkdir(mode=0o700)
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
        """Yield True as the only process that saves here, False if another does.

        With `wait`, wait for it as long as it shows signs of life. Raises OSError.
        """
        try:
            make_folder(self._folder)
        except FilesExposed as error:
            raise PermissionError(str(error)) from None
        with os.fdopen(open_file(self._folder / "lock", os.O_RDWR | os.O_CREAT), "r+") as file:
            lock = file.fileno()
            if not (_wait_for(lock, self._folder) if wait else _try_lock(lock)):
                yield False
                return
            with _showing_life(lock):
                yield True


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_for(lock: int, folder: Path) -> bool:
    """Wait for the lock; return False once its holder shows no more signs of life."""
    seen, silent_since = -1, time.monotonic()
    is_reported = False
    while not _try_lock(lock):
        touched = os.fstat(lock).st_mtime_ns
        if touched != seen:
            seen, silent_since = touched, time.monotonic()
        if time.monotonic() - silent_since > _SILENCE_S:
            logger.warning("the lock in %s is held by a process that shows no life", folder)
            return False
        if not is_reported:
            logger.info("waiting for another process that builds the index in %s", folder)
            is_reported = True
        time.sleep(_POLL_INTERVAL_S)
    return True


@contextmanager
def _showing_life(lock: int) -> Iterator[None]:
    """Touch the lock's file from time to time: only its owner can."""
    is_done = threading.Event()

    def touch() -> None:
        while not is_done.wait(_TOUCH_EVERY_S):
            os.utime(lock)

    os.utime(lock)
    thread = threading.Thread(target=touch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_done.set()
        thread.join()


def _read(folder: Path) -> Saved | None:
    try:
        origin = json.loads((folder / "origin.json").read_text())
        return Saved(folder, int(origin["position"]), str(origin["mark"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
