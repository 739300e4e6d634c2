"""Keep a local copy up to date with the feed, even across crashes."""

import time
from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from ..errors import RequestRefusedError, ServiceError, StartAgainError, UnexpectedAnswerError
from ..feed_calls import MAX_ENTRIES, batches, require_progress
from ..feed_models import FeedPage
from .copy_writer import CopyWriter, sweep
from .durable_files import Lock, claim_folder
from .file_format import FILE, Round

if TYPE_CHECKING:  # a copy is also searched where httpx is not loaded
    from ..client import Client

Watch = Callable[[int], object]

_REBUILD: Final = "again.ndjson"
_MAX_EMPTY_PAGES: Final = 1_000  # in a row; each crosses up to 500,000 changes
_COMPACTION_SHARE: Final = 10  # at most one part in ten of the time is spent on compaction


class Mirror:
    """The one process that keeps a copy up to date; `LocalCopy` searches it meanwhile.

    Each page of the feed and its cursor are written atomically before the next page is requested,
    so a crash never loses or duplicates a hash. `is_unreadable`: what was found in the folder is a
    copy, but holds what no service sends; it is rebuilt, and searched until that is complete.
    Raises LocalCopyError if the folder is in use or does not contain a copy.
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        self._folder = Path(folder)
        claim_folder(self._folder)
        self._lock = Lock(self._folder)
        try:
            self._writer = self._open()
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
        Raises as `Client.feed_page`, UnexpectedAnswerError for a feed that does not end or whose
        positions go back even after a rebuild, and OSError if the disk cannot be written.
        """
        try:
            done = self._read(client, wait, watch)
        except ServiceError as error:
            if not _has_new_history(error):
                raise
            self._start_rebuild()
            done = self._read(client, 0.0, watch)
        done = replace(done, began_again=self._is_rebuilding)
        if self._needs_compaction():
            self._compact()
        return done

    def confirm(self, client: "Client") -> int:
        """Confirm the withdrawals whose bits have left the disk; return their number.

        The key needs the scope `feedback`. Raises as `Client.confirm_withdrawals`.
        """
        if self._writer.stale or self._is_rebuilding:
            # The bits may still be in the copy that is searched.
            return 0
        records = list(self._writer.unconfirmed)
        for batch in batches(records):
            client.confirm_withdrawals(batch)
            self._writer.append_confirmed(batch)
        return len(records)

    @property
    def _is_rebuilding(self) -> bool:
        return self._writer.path.name == _REBUILD

    def _open(self) -> CopyWriter:
        """Open the copy, or begin a new one beside it if it cannot be used."""
        (self._folder / _REBUILD).unlink(missing_ok=True)
        self.is_unreadable = False
        try:
            writer = CopyWriter(self._folder / FILE)
        except ValueError:
            self.is_unreadable = True
            return CopyWriter(self._folder / _REBUILD)
        # What a crash left has bits of hashes that this file may no longer know.
        writer.stale |= not sweep(self._folder, keep=writer.copy)
        return writer

    def _read(self, client: "Client", wait: float, watch: Watch | None) -> Round:
        done, more = Round(held=len(self)), True
        empty: set[str] = set()
        while more:
            page = client.feed_page(self._writer.cursor, limit=MAX_ENTRIES, wait=wait)
            self._check(page, empty)
            done, more = done.then(self._writer.append(page)), page.more
            if more and self._writer.has_doubled:
                self._compact_on_the_way()
            if watch:
                watch(done.held)
        return done

    def _check(self, page: FeedPage, empty: set[str]) -> None:
        """Raise an error for a page that does not continue the copy, or after which none ends.

        `empty` has the cursors of the empty pages since the last one with entries.
        """
        require_progress(self._writer.cursor or "", page)
        if page.entries:
            empty.clear()
            if page.entries[0].position <= self._writer.position:
                raise _PositionsGoBackError("The server's feed does not continue the local copy.")
        elif page.more and (page.cursor in empty or len(empty) >= _MAX_EMPTY_PAGES):
            raise UnexpectedAnswerError("The server's feed does not end.")
        else:
            empty.add(page.cursor)

    def _compact_on_the_way(self) -> None:
        """Keep a long feed of the same records from filling the disk."""
        if self._is_rebuilding:
            self._writer.shrink()
        else:
            self._compact()

    def _start_rebuild(self) -> None:
        """Rebuild into a new file; until it is complete, the old one is still searched."""
        self._writer.close()
        (self._folder / _REBUILD).unlink(missing_ok=True)
        self._writer = CopyWriter(self._folder / _REBUILD)

    def _needs_compaction(self) -> bool:
        writer = self._writer
        if self._is_rebuilding or writer.has_doubled:
            return True
        return writer.stale and time.monotonic() >= self._next_compaction

    def _compact(self) -> None:
        begun = time.monotonic()
        self._writer.compact(self._folder / FILE)
        (self._folder / _REBUILD).unlink(missing_ok=True)
        ended = time.monotonic()
        self._next_compaction = ended + (_COMPACTION_SHARE - 1) * (ended - begun)


class _PositionsGoBackError(UnexpectedAnswerError):
    """The feed's positions are not beyond those in the copy, so it is of another history."""


def _has_new_history(error: ServiceError) -> bool:
    """Return whether the copy's cursor or positions are not this server's.

    A cursor that a hostile server gave may not even have the form of this server's: it refuses the
    request then, and names the cursor.
    """
    if isinstance(error, RequestRefusedError):
        return any(field.at in ("cursor", "query.cursor") for field in error.errors)
    return isinstance(error, StartAgainError | _PositionsGoBackError)
