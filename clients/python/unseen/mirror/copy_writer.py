"""Write a copy's file: append pages, and compact the file from time to time.

Compaction writes a new file with only the live entries, and a new index of them, so that the bits
of withdrawn hashes leave the disk.
"""

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from ..feed_models import FeedPage
from . import durable_files, search
from .file_format import (
    Line,
    Round,
    confirmed_line,
    entry_line,
    header,
    read_hash,
    read_header,
    read_pages,
    write_page,
)

_LINES_PER_PAGE: Final = 10_000
_MIN_GROWTH: Final = 1 << 20  # bytes; growth below this is not worth a compaction
INDEXED_FROM: Final = 4_096
"""The number of hashes from which an index is built; a scan of fewer takes no longer."""


class CopyWriter:
    """The file of hashes of a copy that is being updated.

    `copy` is the name that it shares with its index, `position` that of the last change in it.
    `cursor` is where to continue in the feed, None at its beginning. `lines` has the file offset of
    each live record, `unconfirmed` that of each withdrawn record whose deletion has not been
    confirmed to the service. `stale`: the folder still contains bits of a removed hash.
    """

    def __init__(self, path: Path) -> None:
        """Open or create a file; truncate a page that a crash left unfinished.

        Raises LocalCopyError if the file is not a copy's, ValueError for a copy that holds what no
        service sends.
        """
        if not path.exists():
            _create(path)
        self.path = path
        self.cursor: str | None = None
        self.position = 0
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
    def has_doubled(self) -> bool:
        """Whether the file has doubled since its last compaction (or lost part of it)."""
        growth = self._end - self._compact_end
        return growth < 0 or growth > max(_MIN_GROWTH, self._compact_end)

    def append(self, page: FeedPage) -> Round:
        """Write a page and its cursor atomically; they are on the disk when this returns."""
        if not page.entries and page.cursor == self.cursor:
            return Round(held=len(self.lines))
        return self._append([entry_line(entry) for entry in page.entries], page.cursor)

    def append_confirmed(self, records: Iterable[str]) -> None:
        """Record which withdrawals have been confirmed to the service."""
        self._append([confirmed_line(records)], self.cursor)

    def shrink(self) -> None:
        """Drop superseded entries from a file that is not complete yet; without an index."""
        copy, scratch = secrets.token_hex(8), self.path.with_suffix(".scratch")
        with durable_files.create(scratch) as file:
            file.write(header(copy))
            moved = self._copy_to(file)
            durable_files.flush(file)
        durable_files.replace(scratch, self.path)
        self._switch_to(self.path, moved)

    def compact(self, path: Path) -> None:
        """Replace the file at `path` by one of the live entries, with a new index.

        If an earlier file's index cannot be deleted, the copy stays `stale`.
        """
        copy, scratch = secrets.token_hex(8), path.with_suffix(".scratch")
        with durable_files.create(scratch) as file:
            file.write(header(copy))
            moved = self._copy_to(file)
            compact = file.tell()
            self._index(path.parent / f"index-{copy}", file, moved)
            file.seek(0)
            file.write(header(copy, compact, self.position))
            durable_files.flush(file)
        durable_files.replace(scratch, path)
        self._switch_to(path, moved)
        self.copy = copy
        self.stale = not sweep(path.parent, keep=copy)

    def _read(self) -> None:
        first = read_header(self._file)
        self.copy = first.copy
        self._end, self._compact_end = first.length, max(first.compact, first.length)
        self.position = first.position
        for page in read_pages(self._file, first.length):
            self._apply(page.lines)
            self.cursor, self._end = page.cursor, page.end
        self._file.truncate(self._end)

    def _append(self, lines: list[bytes], cursor: str | None) -> Round:
        content = write_page(lines, cursor)
        # If the disk was full last time, part of a page may be left there.
        self._file.truncate(self._end)
        self._file.seek(self._end)
        self._file.write(content)
        durable_files.flush(self._file)
        page = next(read_pages(self._file, self._end))
        self.cursor, self._end = page.cursor, page.end
        return self._apply(page.lines)

    def _apply(self, lines: Iterable[Line]) -> Round:
        """Apply entries to the state in memory, after writing or re-reading them."""
        before, added, changed = len(self.lines), 0, 0
        for offset, entry in lines:
            record = entry.get("record")
            if record is None:
                for confirmed in entry["confirmed"]:
                    self.unconfirmed.pop(confirmed, None)
                continue
            self.position = entry["position"]
            if entry["status"] == "active":
                known = record in self.lines
                added, changed = added + (not known), changed + known
                self.unconfirmed.pop(record, None)
                self.lines[record] = offset
            else:
                self._drop(record, offset, withdrawn=entry["status"] == "withdrawn")
        removed = before + added - len(self.lines)
        return Round(added, changed, removed, len(self.lines))

    def _drop(self, record: str, offset: int, *, withdrawn: bool) -> None:
        if self.lines.pop(record, None) is not None:
            self.stale = True
        if withdrawn:
            self.unconfirmed[record] = offset

    def _copy_to(self, file: BinaryIO) -> dict[int, int]:
        """Copy the live entries to another file; return their old and new offsets."""
        moved: dict[int, int] = {}
        lines: list[bytes] = []
        at = file.tell()
        for offset, raw in self._live():
            moved[offset] = at
            lines.append(raw)
            at += len(raw)
            if len(lines) == _LINES_PER_PAGE:
                # After a cut here, the feed is read from its beginning again.
                file.write(write_page(lines, None))
                lines, at = [], file.tell()
        file.write(write_page(lines, self.cursor))
        return moved

    def _live(self) -> Iterator[tuple[int, bytes]]:
        """Yield the offset and bytes of each line that is still needed, in file order."""
        needed = {*self.lines.values(), *self.unconfirmed.values()}
        self._file.seek(offset := 0)
        for raw in self._file:
            if offset in needed:
                yield offset, raw
            offset += len(raw)

    def _index(self, folder: Path, file: BinaryIO, moved: dict[int, int]) -> None:
        """Build the index of a new file if it has enough hashes."""
        if len(self.lines) < INDEXED_FROM or not search.has_index():
            return
        wanted = {moved[offset] for offset in self.lines.values()}
        hashes, ids = bytearray(), []
        file.seek(offset := 0)
        for raw in file:
            if offset in wanted:
                ids.append(offset)
                hashes += read_hash(raw)
            offset += len(raw)
        search.save_index(folder, ids, bytes(hashes))

    def _switch_to(self, path: Path, moved: dict[int, int]) -> None:
        """Continue in the new file."""
        self._file.close()
        self._file = path.open("r+b")
        self.path, self.stale = path, False
        self.lines = {record: moved[offset] for record, offset in self.lines.items()}
        self.unconfirmed = {record: moved[at] for record, at in self.unconfirmed.items()}
        self._end = self._compact_end = self._file.seek(0, os.SEEK_END)


def sweep(folder: Path, keep: str) -> bool:
    """Delete indexes of other files than the one named `keep`, and what a crash left unfinished.

    Return whether all of it is gone: an index has the bits of hashes that were withdrawn since.
    """
    for path in folder.glob("*.scratch"):
        path.unlink(missing_ok=True)
    left = [path for path in folder.glob("index-*") if path.name != f"index-{keep}"]
    for path in left:
        shutil.rmtree(path, ignore_errors=True)
    return not any(path.exists() for path in left)


def _create(path: Path) -> None:
    """Create an empty file."""
    scratch = path.with_suffix(".scratch")
    with durable_files.create(scratch) as file:
        file.write(header(secrets.token_hex(8)))
        durable_files.flush(file)
    durable_files.replace(scratch, path)
