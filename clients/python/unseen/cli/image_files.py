"""Turn the paths on the command line into hashed images; one bad file does not stop the others."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EACCES
from functools import partial
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal
from typing import Final

from ..errors import ImageError, InputError
from ..fingerprints import Fingerprint
from .exit_codes import Exit
from .folders import images_in
from .left_out import Item, LeftOut, unreadable
from .output import Output

Hasher = Callable[[Path], tuple[Fingerprint, ...]]

# Starting a process takes as long as hashing one large photo, and each may need a gigabyte.
_FILES_PER_PROCESS: Final = 8
_MAX_PROCESSES: Final = 4
_MAX_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Hashed:
    """A file and its fingerprints."""

    path: Path
    prints: tuple[Fingerprint, ...]


def collect(arguments: Iterable[str], output: Output) -> list[Item]:
    """List the files to hash: each file named, and the images in each folder, at any depth.

    In a folder, hidden files and files without an image suffix are passed over, with a message. A
    file named twice is listed once; a file or folder that cannot be read is left out, and the
    others are still read. Raises InputError if nothing was found.
    """
    found: dict[Path, Item] = {}
    passed_over: dict[Path, None] = {}
    for argument in arguments:
        path = Path(argument)
        for item in images_in(path, passed_over) if path.is_dir() else [_checked(path)]:
            found.setdefault(item.path if isinstance(item, LeftOut) else item, item)
    _report_passed_over([path for path in passed_over if path not in found], output)
    if not found:
        raise InputError("There is no image in that folder.", hint="Name image files or folders.")
    return list(found.values())


def hash_all(
    items: list[Item], hasher: Hasher, output: Output
) -> tuple[list[Hashed], list[LeftOut]]:
    """Hash files with a progress bar, then report those that could not be hashed.

    `hasher` must be a module-level function, since several processes may run it.
    """
    with _hashing(items, hasher) as results:
        done = list(output.progress(results, len(items), "Hashing on this device"))
    hashed = [one for one in done if isinstance(one, Hashed)]
    left_out = [one for one in done if isinstance(one, LeftOut)]
    report(left_out, output)
    return hashed, left_out


def report(left_out: Iterable[LeftOut], output: Output) -> None:
    """Print which files were left out, and why."""
    for one in left_out:
        output.note(f"left out {one.path}: {one.error}")
        output.note(f"  {one.error.hint}")


def choose_exit_code(*, is_done: bool, left_out: Sequence[LeftOut]) -> Exit:
    """Return the exit code, given whether anything was done and which files were left out."""
    if not left_out:
        return Exit.DONE
    return Exit.PARTLY if is_done else Exit.FAILED


@contextmanager
def _hashing(items: list[Item], hasher: Hasher) -> Iterator[Iterable[Hashed | LeftOut]]:
    """Yield the results in order, hashing in this process or, for many files, in several."""
    job = partial(_hash, hasher)
    workers = min(_MAX_PROCESSES, os.cpu_count() or 1, len(items) // _FILES_PER_PROCESS)
    if workers < 2:
        yield map(job, items)
        return
    with _in_processes(job, items, workers) as results:
        yield results


@contextmanager
def _in_processes(
    job: Callable[[Item], Hashed | LeftOut], items: list[Item], workers: int
) -> Iterator[Iterable[Hashed | LeftOut]]:
    # Imported here since most calls hash a few files in this process.
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415
    from concurrent.futures.process import BrokenProcessPool  # noqa: PLC0415
    from multiprocessing import get_context  # noqa: PLC0415

    # Ctrl-C reaches every process of the terminal; only this one should report it.
    pool = ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=signal, initargs=(SIGINT, SIG_IGN)
    )
    try:
        yield pool.map(job, items)
    except BrokenProcessPool as error:
        raise InputError(
            "The system stopped the hashing; there may be too little memory.",
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


def _checked(path: Path) -> Item:
    """Return a file, left out if it does not exist or cannot be read.

    It is not opened: a pipe could be read only once.
    """
    try:
        path.stat()
        if not os.access(path, os.R_OK):
            raise PermissionError(EACCES, os.strerror(EACCES))
    except OSError as error:
        return unreadable(path, f"The file cannot be read: {error.strerror}.")
    return path


def _report_passed_over(paths: list[Path], output: Output) -> None:
    if not paths:
        return
    named = ", ".join(map(str, paths[:_MAX_NAMED]))
    others = len(paths) - _MAX_NAMED
    more = f" and {others:,} more" if others > 0 else ""
    output.note(f"not hashed, since hidden or not named as an image: {named}{more}")
    output.note("  If one of them is an image, name the file itself.")
