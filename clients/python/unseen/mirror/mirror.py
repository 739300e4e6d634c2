"""Keep a local copy up to date with the feed, even across crashes."""

import time
from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from ..errors import StartAgainError
from ..feed_calls import MAX_ENTRIES, batches
from .copy_writer import CopyWriter
from .durable_files import Lock, claim_folder
from .file_format import FILE, Round

if TYPE_CHECKING:  # a copy is also searched where httpx is not loaded
    from ..client import Client

Watch = Callable[[int], object]

_REBUILD: Final = "again.ndjson"
_COMPACTION_SHARE: Final = 10  # at most one part in ten of the time is spent on compaction


class Mirror:
    """The one process that keeps a copy up to date; `LocalCopy` searches it meanwhile.

    Each page of the feed and its cursor are written atomically before the next page is requested,
    so a crash never loses or duplicates a hash. Raises LocalCopyError if the folder is in use or
    does not contain a copy.
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        self._folder = Path(folder)
        claim_folder(self._folder)
        self._lock = Lock(self._folder)
        try:
            (self._folder / _REBUILD).unlink(missing_ok=True)
            self._writer = CopyWriter(self._folder / FILE)
        except BaseException:
            self._lock.release()
            raise
        self._next_compaction = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the copy, so that another process can update it."""
        self._writer.close()
        self._lock.release()

    def __len__(self) -> int:
        """Count the hashes in the copy."""
        return len(self._writer.lines)

    @property
    def unconfirmed(self) -> int:
        """The number of withdrawals that have not been confirmed to the service."""
        return len(self._writer.unconfirmed)

    def catch_up(self, client: "Client", wait: float = 0.0, *, watch: Watch | None = None) -> Round:
        """Read the feed to its end, waiting up to `wait` seconds for changes.

        A withdrawn hash is no longer matched once its page is written. Its bits leave the disk at
        the end of the call; in a large copy that was just compacted, at the end of a later call.
        `watch` is called after each page with the number of hashes in the copy.
        Raises as `Client.feed_page`, and OSError if the disk cannot be written.
        """
        try:
            done = self._read(client, wait, watch)
        except StartAgainError:
            self._start_rebuild()
            done = replace(self._read(client, 0.0, watch), began_again=True)
        if self._needs_compaction():
            self._compact()
        return done

    def confirm(self, client: "Client") -> int:
        """Confirm the withdrawals whose bits have left the disk; return their number.

        The key needs the scope `feedback`. Raises as `Client.confirm_withdrawals`.
        """
        if self._writer.stale:
            return 0
        records = list(self._writer.unconfirmed)
        for batch in batches(records):
            client.confirm_withdrawals(batch)
            self._writer.append_confirmed(batch)
        return len(records)

    def _read(self, client: "Client", wait: float, watch: Watch | None) -> Round:
        done, more = Round(held=len(self)), True
        while more:
            page = client.feed_page(self._writer.cursor, limit=MAX_ENTRIES, wait=wait)
            done, more = _add(done, self._writer.append(page)), page.more
            if watch:
                watch(done.held)
        return done

    def _start_rebuild(self) -> None:
        """Rebuild into a new file; until it is complete, the old one is still searched."""
        self._writer.close()
        (self._folder / _REBUILD).unlink(missing_ok=True)
        self._writer = CopyWriter(self._folder / _REBUILD)

    def _needs_compaction(self) -> bool:
        writer = self._writer
        if writer.path.name == _REBUILD or writer.has_doubled:
            return True
        return writer.stale and time.monotonic() >= self._next_compaction

    def _compact(self) -> None:
        begun = time.monotonic()
        self._writer.compact(self._folder / FILE)
        (self._folder / _REBUILD).unlink(missing_ok=True)
        ended = time.monotonic()
        self._next_compaction = ended + (_COMPACTION_SHARE - 1) * (ended - begun)


def _add(one: Round, other: Round) -> Round:
    return Round(
        one.added + other.added,
        one.changed + other.changed,
        one.removed + other.removed,
        other.held,
    )
