"""The reading side of a copy: searched while another process keeps it in step."""

import threading
from collections.abc import Iterable
from os import PathLike, fstat
from pathlib import Path
from typing import BinaryIO, Final, Self

import numpy as np

from ..errors import LocalCopyError
from ..hashing import MATCH_DISTANCE, Fingerprint
from ..models import Hit, Matches
from ..wire import pack, read_distance
from .pages import FILE, Line, read_entry, read_header, read_pages
from .search import Found, Index, Packed, Scan

_TRIES: Final = 5


class LocalCopy:
    """A copy of the hashes in a folder, to ask what `Client.match` asks, at home.

    Each call sees what has been kept by then: a server opens it once and asks for ever. Safe to
    share by threads. Raises LocalCopyError when the folder holds no copy.
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        self._folder = Path(folder)
        self._turn = threading.Lock()
        self._file = _opened(self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def match(
        self, hashes: Iterable[str | Fingerprint], max_distance: int = MATCH_DISTANCE
    ) -> Matches:
        """Find which hashes are within a distance (0 to 31) of one in the copy.

        Raises InputError on a malformed hash or distance, LocalCopyError on a damaged copy.
        """
        radius = read_distance(max_distance)
        packed = b"".join(pack(one) for one in hashes)
        queries: Packed = np.frombuffer(packed, np.uint8).reshape(-1, 32)
        with self._turn:
            self._refresh()
            try:
                return self._file.match(queries, radius)
            except (ValueError, LookupError) as error:
                raise LocalCopyError(
                    f"The copy in {self._folder} is damaged.",
                    hint="Delete the folder; `unseen mirror` then makes the copy anew.",
                ) from error

    def _refresh(self) -> None:
        """Read what has been appended, or open the file that has taken the place of ours."""
        if not self._file.is_at(self._folder / FILE):
            old, self._file = self._file, _opened(self._folder)
            old.close()
        self._file.read_on()


class _File:
    """One file of a copy: its index, and in memory what the index does not cover."""

    def __init__(self, folder: Path) -> None:
        self._file: BinaryIO = (folder / FILE).open("rb")
        self._live: dict[str, tuple[int, bytes]] = {}
        self._told: set[str] = set()
        self._scan = Scan([], b"")
        try:
            first = read_header(self._file)
            self.generation = first.position
            self._index = _index(folder / f"index-{first.copy}")
            self._end = first.compact if self._index else first.length
            self.read_on()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._file.close()

    def is_at(self, path: Path) -> bool:
        """Tell whether this is the file that is at a path now."""
        try:
            now, ours = path.stat(), fstat(self._file.fileno())
        except FileNotFoundError:
            return False
        return (now.st_ino, now.st_dev) == (ours.st_ino, ours.st_dev)

    def read_on(self) -> None:
        """Read what was appended since the last time."""
        if fstat(self._file.fileno()).st_size == self._end:
            return
        before = self._end
        for page in read_pages(self._file, self._end):
            self._follow(page.lines)
            self._end = page.end
        if self._end != before:
            live = self._live.values()
            self._scan = Scan([at for at, _ in live], b"".join(pdq for _, pdq in live))

    def match(self, queries: Packed, radius: int) -> Matches:
        """Find what is close to hashes, nearest first."""
        found = [(one, self._hit(one)) for one in self._scan.search(queries, radius)]
        if self._index:
            covered = ((one, self._hit(one)) for one in self._index.search(queries, radius))
            found += [(one, hit) for one, hit in covered if hit.record not in self._told]
        found.sort(key=lambda pair: pair[0])
        return Matches(self.generation, tuple(hit for _, hit in found))

    def _follow(self, lines: Iterable[Line]) -> None:
        for offset, told in lines:
            if "record" not in told:
                continue
            self.generation = told["position"]
            self._told.add(told["record"])
            self._live.pop(told["record"], None)
            if told["status"] == "active":
                self._live[told["record"]] = offset, bytes.fromhex(told["pdq"])

    def _hit(self, found: Found) -> Hit:
        """Read who was found off its line."""
        entry = read_entry(self._file, found.id)
        return Hit(found.query, entry.record, found.distance, entry.view, entry.standing)


def _opened(folder: Path) -> _File:
    """Open a copy, also while it is written anew: then file and index are soon a pair again."""
    for _ in range(_TRIES):
        try:
            return _File(folder)
        except FileNotFoundError:
            continue
    raise LocalCopyError(f"There is no copy of the hashes in {folder}.")


def _index(folder: Path) -> Index | None:
    """Open the index of a file; None where there is none, or none that can be used."""
    try:
        return Index.open(folder) if folder.exists() else None
    except (OSError, ValueError):
        return None
