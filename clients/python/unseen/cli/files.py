"""From the paths on the command line to hashed images; one bad file does not stop the others."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
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


def collect(arguments: Iterable[str]) -> list[Path]:
    """List the files meant: each file named, and the images in each folder named, at any depth.

    In a folder, hidden files and those without an image's suffix are passed over. A file
    meant twice is listed once. Raises InputError if that leaves nothing.
    """
    found: dict[Path, None] = {}
    for argument in arguments:
        path = Path(argument)
        found.update(dict.fromkeys(_images_in(path) if path.is_dir() else [path]))
    if not found:
        raise InputError("There is no image in that folder.", hint="Name image files or folders.")
    return list(found)


def hash_all(
    paths: list[Path], hasher: Callable[[Path], tuple[Fingerprint, ...]], output: Output
) -> tuple[list[Hashed], list[LeftOut]]:
    """Hash files, with a progress bar; what cannot be hashed is told at the end."""
    hashed: list[Hashed] = []
    left_out: list[LeftOut] = []
    for path in output.progress(paths, "Hashing on this device"):
        try:
            hashed.append(Hashed(path, hasher(path)))
        except ImageError as error:
            left_out.append(LeftOut(path, error))
    for one in left_out:
        output.note(f"left out {one.path}: {one.error}")
        output.note(f"  {one.error.hint}")
    return hashed, left_out


def _images_in(folder: Path) -> Iterator[Path]:
    """Walk a folder in the order of names."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise UnreadableFileError(f"The folder cannot be read: {error.strerror}.") from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from _images_in(entry)
        elif entry.suffix.lower() in _SUFFIXES:
            yield entry
