"""The writing side of a copy's file: pages are appended, and now and then it is written anew.

Written anew it holds only what is live, so that the bits of a withdrawn hash leave the disk, and
the index that is made with it holds the same.
"""

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from ..changes import FeedPage
from . import disk, search
from .pages import (
    FILE,
    Line,
    Round,
    confirmed_line,
    entry_line,
    header,
    packed,
    read_header,
    read_pages,
    write_page,
)

_LINES_A_PAGE: Final = 10_000
_GROWTH: Final = 1 << 20  # bytes; with fewer to read again a file is not worth writing anew
INDEXED_FROM: Final = 4_096
"""How many hashes make an index worthwhile: a scan of fewer takes no longer."""


class Journal:
    """A file of hashes as it is being kept in step.

    `cursor` is where the feed is to be read on, None at its beginning. `lines` has the offset of
    each live record's line, `unconfirmed` that of each withdrawn one that the service does not
    know to be gone. `stale`: the file still has the bits of a hash that was let go of.
    """

    def __init__(self, path: Path) -> None:
        """Open a file or begin one; what a crash left of an unfinished page is cut off."""
        if not path.exists():
            _begin(path)
        self.path = path
        self.cursor: str | None = None
        self.lines: dict[str, int] = {}
        self.unconfirmed: dict[str, int] = {}
        self.stale = False
        self._file = path.open("r+b")
        try:
            self._read()
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def grown(self) -> bool:
        """Whether the file has doubled since it was written anew (or lost what it then had)."""
        since = self._end - self._compact
        return since < 0 or since > max(_GROWTH, self._compact)

    def append(self, page: FeedPage) -> Round:
        """Keep a page and its cursor in one step; when this returns they are on the disk."""
        if not page.entries and page.cursor == self.cursor:
            return Round(held=len(self.lines))
        return self._append([entry_line(entry) for entry in page.entries], page.cursor)

    def confirmed(self, records: Iterable[str]) -> None:
        """Keep which withdrawals the service knows of."""
        self._append([confirmed_line(records)], self.cursor)

    def rewrite(self, path: Path) -> None:
        """Put a file of what is live, and the index of it, in the place of the one at `path`."""
        copy, scratch = secrets.token_hex(8), path.with_suffix(".scratch")
        with disk.new_file(scratch) as file:
            file.write(header(copy))
            moved = self._copy_to(file)
            compact = file.tell()
            self._index(path.parent / f"index-{copy}", file, moved)
            file.seek(0)
            file.write(header(copy, compact, self._position))
            disk.flush(file)
        disk.put(scratch, path)
        self._moved(path, moved)
        sweep(path.parent, keep=copy)

    def _read(self) -> None:
        first = read_header(self._file)
        self._end, self._compact = first.length, max(first.compact, first.length)
        self._position = first.position
        for page in read_pages(self._file, first.length):
            self._apply(page.lines)
            self.cursor, self._end = page.cursor, page.end
        self._file.truncate(self._end)

    def _append(self, lines: list[bytes], cursor: str | None) -> Round:
        content = write_page(lines, cursor)
        # Where the disk was full the last time, the rest of a page may lie there.
        self._file.truncate(self._end)
        self._file.seek(self._end)
        self._file.write(content)
        disk.flush(self._file)
        page = next(read_pages(self._file, self._end))
        self.cursor, self._end = page.cursor, page.end
        return self._apply(page.lines)

    def _apply(self, lines: Iterable[Line]) -> Round:
        """Follow what the lines say, when they are written and when they are read again."""
        before, added, changed = len(self.lines), 0, 0
        for offset, told in lines:
            record = told.get("record")
            if record is None:
                for confirmed in told["confirmed"]:
                    self.unconfirmed.pop(confirmed, None)
                continue
            self._position = told["position"]
            if told["status"] == "active":
                known = record in self.lines
                added, changed = added + (not known), changed + known
                self.unconfirmed.pop(record, None)
                self.lines[record] = offset
            else:
                self._let_go(record, offset, withdrawn=told["status"] == "withdrawn")
        removed = before + added - len(self.lines)
        return Round(added, changed, removed, len(self.lines))

    def _let_go(self, record: str, offset: int, *, withdrawn: bool) -> None:
        if self.lines.pop(record, None) is not None:
            self.stale = True
        if withdrawn:
            self.unconfirmed[record] = offset

    def _copy_to(self, file: BinaryIO) -> dict[int, int]:
        """Copy what is live to another file; where each line of it has moved."""
        moved: dict[int, int] = {}
        lines: list[bytes] = []
        at = file.tell()
        for offset, raw in self._live():
            moved[offset] = at
            lines.append(raw)
            at += len(raw)
            if len(lines) == _LINES_A_PAGE:
                # A file that is cut short here is read on from the beginning of the feed.
                file.write(write_page(lines, None))
                lines, at = [], file.tell()
        file.write(write_page(lines, self.cursor))
        return moved

    def _live(self) -> Iterator[tuple[int, bytes]]:
        """Read the lines that count, in their order."""
        kept = {*self.lines.values(), *self.unconfirmed.values()}
        self._file.seek(offset := 0)
        for raw in self._file:
            if offset in kept:
                yield offset, raw
            offset += len(raw)

    def _index(self, folder: Path, file: BinaryIO, moved: dict[int, int]) -> None:
        """Make the index of a new file, where that is worthwhile."""
        if len(self.lines) < INDEXED_FROM or not search.has_index():
            return
        wanted = {moved[offset] for offset in self.lines.values()}
        hashes, ids = bytearray(), []
        file.seek(offset := 0)
        for raw in file:
            if offset in wanted:
                ids.append(offset)
                hashes += packed(raw)
            offset += len(raw)
        search.save_index(folder, ids, bytes(hashes))

    def _moved(self, path: Path, moved: dict[int, int]) -> None:
        """Go on in the new file."""
        self._file.close()
        self._file = path.open("r+b")
        self.path, self.stale = path, False
        self.lines = {record: moved[offset] for record, offset in self.lines.items()}
        self.unconfirmed = {record: moved[at] for record, at in self.unconfirmed.items()}
        self._end = self._compact = self._file.seek(0, os.SEEK_END)


def sweep(folder: Path, keep: str) -> None:
    """Delete what belongs to no file any more: older indexes, and what a crash left unfinished."""
    for path in folder.glob("index-*"):
        if path.name != f"index-{keep}":
            shutil.rmtree(path, ignore_errors=True)
    for path in folder.glob(f"{Path(FILE).stem}.scratch"):
        path.unlink(missing_ok=True)


def _begin(path: Path) -> None:
    """Begin an empty file."""
    scratch = path.with_suffix(".scratch")
    with disk.new_file(scratch) as file:
        file.write(header(secrets.token_hex(8)))
        disk.flush(file)
    disk.put(scratch, path)
