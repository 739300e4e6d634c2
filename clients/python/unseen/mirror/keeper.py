"""Keeping a copy in step with the feed, whatever crashes on the way."""

import time
from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Final, Self

from ..client import Client
from ..errors import StartAgainError
from ..feed import MAX_ENTRIES, batches
from .disk import Lock
from .journal import Journal
from .pages import FILE, Round

Watch = Callable[[int], object]

_AGAIN: Final = "again.ndjson"
_SHARE: Final = 10  # of its time, at most one part in so many goes into writing anew


class Mirror:
    """The one process that keeps a copy in step; `LocalCopy` searches it meanwhile.

    A page of the feed and its cursor are on the disk in one step before the next is asked for: a
    crash, at any moment, loses nothing and doubles nothing. Raises LocalCopyError when the folder
    is in use or not a copy's.
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        self._folder = Path(folder)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = Lock(self._folder)
        try:
            (self._folder / _AGAIN).unlink(missing_ok=True)
            self._journal = Journal(self._folder / FILE)
        except BaseException:
            self._lock.release()
            raise
        self._rest_until = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Let another process keep the copy."""
        self._journal.close()
        self._lock.release()

    def __len__(self) -> int:
        """Count the hashes that are held."""
        return len(self._journal.lines)

    @property
    def unconfirmed(self) -> int:
        """How many withdrawals the service does not know to be carried out here."""
        return len(self._journal.unconfirmed)

    def catch_up(self, client: Client, wait: float = 0.0, *, watch: Watch | None = None) -> Round:
        """Read the feed until there is no more, waiting for news for up to `wait` seconds.

        A hash that was withdrawn is matched no more when its page is kept; its bits leave the
        disk at the end of the call, or of a later one where that is dear and was done just now.
        `watch` is told after each page how many hashes are held.
        Raises as `Client.feed_page`, and OSError when the disk refuses.
        """
        try:
            done = self._read(client, wait, watch)
        except StartAgainError:
            self._begin_again()
            done = replace(self._read(client, 0.0, watch), began_again=True)
        if self._is_due():
            self._rewrite()
        return done

    def confirm(self, client: Client) -> int:
        """Confirm the withdrawals whose bits have left the copy; how many those were.

        The key needs the scope `feedback`. Raises as `Client.confirm_withdrawals`.
        """
        if self._journal.stale:
            return 0
        records = list(self._journal.unconfirmed)
        for batch in batches(records):
            client.confirm_withdrawals(batch)
            self._journal.confirmed(batch)
        return len(records)

    def _read(self, client: Client, wait: float, watch: Watch | None) -> Round:
        done, more = Round(held=len(self)), True
        while more:
            page = client.feed_page(self._journal.cursor, limit=MAX_ENTRIES, wait=wait)
            done, more = _sum(done, self._journal.append(page)), page.more
            if watch:
                watch(done.held)
        return done

    def _begin_again(self) -> None:
        """Read into a new file; until it is whole the old one is still matched against."""
        self._journal.close()
        (self._folder / _AGAIN).unlink(missing_ok=True)
        self._journal = Journal(self._folder / _AGAIN)

    def _is_due(self) -> bool:
        journal = self._journal
        if journal.path.name == _AGAIN or journal.grown:
            return True
        return journal.stale and time.monotonic() >= self._rest_until

    def _rewrite(self) -> None:
        begun = time.monotonic()
        self._journal.rewrite(self._folder / FILE)
        (self._folder / _AGAIN).unlink(missing_ok=True)
        ended = time.monotonic()
        self._rest_until = ended + (_SHARE - 1) * (ended - begun)


def _sum(one: Round, other: Round) -> Round:
    return Round(
        one.added + other.added,
        one.changed + other.changed,
        one.removed + other.removed,
        other.held,
    )
