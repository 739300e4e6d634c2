"""Search a local copy while another process keeps it up to date."""

import threading
from collections.abc import Iterable
from dataclasses import replace
from os import PathLike, fstat
from pathlib import Path
from typing import BinaryIO, Final, Self

import numpy as np

from ..api_calls import check_distance, pack
from ..errors import LocalCopyError
from ..feed_models import SUSPECT_DISTANCE
from ..fingerprints import MATCH_DISTANCE, Fingerprint
from ..models import Hit, Matches
from .durable_files import check_folder
from .file_format import FILE, Line, read_entry, read_header, read_pages
from .search import Found, Index, Packed, Scan

_TRIES: Final = 5


class LocalCopy:
    """A copy of the hashes in a folder; answers what `Client.match` answers, without the service.

    Each call sees everything written so far, so a server can open it once. Thread-safe.
    Raises LocalCopyError if the folder contains no copy.
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        self._folder = Path(folder)
        self._lock = threading.Lock()
        check_folder(self._folder)
        self._file = _open(self._folder)

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
        """Find the hashes in the copy within a distance (0 to 31 bits) of those given.

        Raises InputError for a malformed hash or distance, LocalCopyError for a damaged copy.
        """
        radius = check_distance(max_distance)
        packed = b"".join(pack(one) for one in hashes)
        queries: Packed = np.frombuffer(packed, np.uint8).reshape(-1, 32)
        with self._lock:
            try:
                self._refresh()
                return self._file.match(queries, radius)
            except (ValueError, LookupError) as error:
                raise _damaged(self._folder) from error

    def match_images(
        self,
        images: Iterable[Iterable[str | Fingerprint]],
        max_distance: int = MATCH_DISTANCE,
    ) -> Matches:
        """Find what is close to images of several hashes each, as `Client.match_images` does.

        Raises as `match` does.
        """
        groups = [list(image) for image in images]
        owners = [number for number, image in enumerate(groups) for _ in image]
        found = self.match((one for image in groups for one in image), max_distance)
        nearest: dict[tuple[int, str], Hit] = {}
        for hit in found.hits:
            image = owners[hit.query]
            known = nearest.get((image, hit.record))
            if known is None or hit.distance < known.distance:
                nearest[image, hit.record] = replace(hit, query=image)
        hits = sorted(nearest.values(), key=lambda hit: (hit.query, hit.distance))
        return Matches(found.generation, tuple(hits))

    def _refresh(self) -> None:
        """Read what has been appended, or open the file that has replaced this one."""
        if not self._file.is_at(self._folder / FILE):
            old, self._file = self._file, _open(self._folder)
            old.close()
        self._file.read_appended()


class _File:
    """One file of a copy: its index, and in memory the entries that the index does not cover."""

    def __init__(self, folder: Path) -> None:
        self._file: BinaryIO = (folder / FILE).open("rb")
        self._live: dict[str, tuple[int, bytes]] = {}
        self._superseded: set[str] = set()
        self._scan = Scan([], b"")
        try:
            first = read_header(self._file)
            self.generation = first.position
            self._index = _index(folder / f"index-{first.copy}")
            self._end = first.compact if self._index else first.length
            self.read_appended()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._file.close()

    def is_at(self, path: Path) -> bool:
        """Return whether this file is still the one at a path."""
        try:
            now, ours = path.stat(), fstat(self._file.fileno())
        except FileNotFoundError:
            return False
        return (now.st_ino, now.st_dev) == (ours.st_ino, ours.st_dev)

    def read_appended(self) -> None:
        """Read what has been appended since the last call."""
        if fstat(self._file.fileno()).st_size == self._end:
            return
        before = self._end
        for page in read_pages(self._file, self._end):
            self._apply(page.lines)
            self._end = page.end
        if self._end != before:
            live = self._live.values()
            self._scan = Scan([at for at, _ in live], b"".join(pdq for _, pdq in live))

    def match(self, queries: Packed, radius: int) -> Matches:
        """Find the stored hashes close to the queries, ordered by query and distance."""
        found = [(one, self._hit(one)) for one in self._scan.search(queries, radius)]
        if self._index:
            covered = ((one, self._hit(one)) for one in self._index.search(queries, radius))
            found += [(one, hit) for one, hit in covered if hit.record not in self._superseded]
        found.sort(key=lambda pair: pair[0])
        return Matches(self.generation, tuple(hit for _, hit in found))

    def _apply(self, lines: Iterable[Line]) -> None:
        for offset, entry in lines:
            if "record" not in entry:
                continue
            self.generation = entry["position"]
            self._superseded.add(entry["record"])
            self._live.pop(entry["record"], None)
            if entry["status"] == "active":
                self._live[entry["record"]] = offset, bytes.fromhex(entry["pdq"])

    def _hit(self, found: Found) -> Hit:
        """Read the entry of a hash that was found."""
        entry = read_entry(self._file, found.id)
        return Hit(
            query=found.query,
            record=entry.record,
            distance=found.distance,
            view=entry.view,
            standing=entry.standing,
            suspect=entry.suspect and found.distance > SUSPECT_DISTANCE,
        )


def _open(folder: Path) -> _File:
    """Open a copy; try again while it is being replaced, until file and index match."""
    for _ in range(_TRIES):
        try:
            return _File(folder)
        except FileNotFoundError:
            continue
        except (ValueError, LookupError) as error:
            raise _damaged(folder) from error
    raise LocalCopyError(f"There is no copy of the hashes in {folder}.")


def _damaged(folder: Path) -> LocalCopyError:
    return LocalCopyError(
        f"The copy in {folder} is damaged.",
        hint="Delete the folder; `unseen mirror` then builds a new copy.",
    )


def _index(folder: Path) -> Index | None:
    """Open the index of a file; return None if there is none, or none that is usable."""
    try:
        return Index.open(folder) if folder.exists() else None
    except (OSError, ValueError):
        return None
