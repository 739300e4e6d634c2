"""From the paths on the command line to hashed images; one bad file does not stop the others."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal
from typing import Any, Final

from ..errors import ImageError, InputError, UnreadableFileError
from ..hashing import Fingerprint
from .output import Output

_SUFFIXES: Final = frozenset(
    f".{suffix}"
    for suffix in (
        *("jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "gif"),
        *("avif", "heic", "heif", "hif", "tif", "tiff", "bmp"),
    )
)


Hasher = Callable[[Path], tuple[Fingerprint, ...]]

# Starting a process takes as long as hashing one large photo, and each may need a gigabyte.
_FILES_A_PROCESS: Final = 8
_MOST_PROCESSES: Final = 4


@dataclass(frozen=True, slots=True)
class Hashed:
    """A file and the fingerprints of it."""

    path: Path
    prints: tuple[Fingerprint, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that was not hashed, and why."""

    path: Path
    error: ImageError

    def document(self) -> dict[str, Any]:
        """Lay out for --json."""
        kind = type(self.error).__name__.removesuffix("Error")
        return {
            "file": str(self.path),
            "kind": kind,
            "error": str(self.error),
            "hint": self.error.hint,
        }


Item = Path | LeftOut
"""What is to be hashed, or already cannot be."""


def collect(arguments: Iterable[str]) -> list[Item]:
    """List the files meant: each file named, and the images in each folder named, at any depth.

    In a folder, hidden files and those without an image's suffix are passed over. A file
    meant twice is listed once; a folder that cannot be read is left out, the others go on.
    Raises InputError if that leaves nothing.
    """
    found: dict[Item, None] = {}
    for argument in arguments:
        path = Path(argument)
        found.update(dict.fromkeys(_images_in(path) if path.is_dir() else [path]))
    if not found:
        raise InputError("There is no image in that folder.", hint="Name image files or folders.")
    return list(found)


def hash_all(
    items: list[Item], hasher: Hasher, output: Output
) -> tuple[list[Hashed], list[LeftOut]]:
    """Hash files, with a progress bar; what cannot be hashed is told at the end.

    `hasher` is a function of a module, as several processes may run it.
    """
    with _hashing(items, hasher) as results:
        done = list(output.progress(results, len(items), "Hashing on this device"))
    hashed = [one for one in done if isinstance(one, Hashed)]
    left_out = [one for one in done if isinstance(one, LeftOut)]
    for one in left_out:
        output.note(f"left out {one.path}: {one.error}")
        output.note(f"  {one.error.hint}")
    return hashed, left_out


@contextmanager
def _hashing(items: list[Item], hasher: Hasher) -> Iterator[Iterable[Hashed | LeftOut]]:
    """Hash here, or, where there are many files, in several processes; in their order."""
    job = partial(_hash, hasher)
    workers = min(_MOST_PROCESSES, os.cpu_count() or 1, len(items) // _FILES_A_PROCESS)
    if workers < 2:
        yield map(job, items)
        return
    # Ctrl-C reaches every process of the terminal; only this one is to speak of it.
    pool = ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=signal, initargs=(SIGINT, SIG_IGN)
    )
    try:
        yield pool.map(job, items)
    except BrokenProcessPool as error:
        raise InputError(
            "Hashing was stopped by the system; there may be too little memory.",
            hint="Close other programs, or name fewer images at a time.",
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _hash(hasher: Hasher, item: Item) -> Hashed | LeftOut:
    if isinstance(item, LeftOut):
        return item
    try:
        return Hashed(item, hasher(item))
    except ImageError as error:
        return LeftOut(item, error)


def _images_in(folder: Path) -> Iterator[Item]:
    """Walk a folder in the order of names."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        reason = UnreadableFileError(f"The folder cannot be read: {error.strerror}.")
        yield LeftOut(folder, reason)
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from _images_in(entry)
        elif entry.suffix.lower() in _SUFFIXES:
            yield entry
