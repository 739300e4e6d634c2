"""Find the images in a folder: by name, at any depth, without following links to folders."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from .left_out import Item, unreadable

_SUFFIXES: Final = frozenset(
    f".{suffix}"
    for suffix in (
        *("jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "gif"),
        *("avif", "heic", "heif", "hif", "tif", "tiff", "bmp"),
    )
)
_NOT_FOLLOWED: Final = "It is a link to a folder, which is not followed."
_NO_FILE: Final = "It is not a file but a pipe, a socket or a device."
_NAME_IT: Final = "Name it on the command line if it is to be hashed."


def images_in(folder: Path, passed_over: dict[Path, None]) -> Iterator[Item]:
    """Yield the images of a folder in the order of names; note what is not named as one.

    Pipes and links to folders are yielded as left out: reading a pipe could wait for ever, and a
    link could lead back to where it is.
    """
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        yield unreadable(folder, f"The folder cannot be read: {error.strerror}.")
        return
    for entry in entries:
        if entry.name.startswith("."):
            passed_over[entry] = None
        elif entry.is_dir() and not entry.is_symlink():
            yield from images_in(entry, passed_over)
        elif entry.is_dir():
            yield unreadable(entry, _NOT_FOLLOWED, hint=_NAME_IT)
        elif entry.suffix.lower() not in _SUFFIXES:
            passed_over[entry] = None
        elif _is_special(entry):
            yield unreadable(entry, _NO_FILE, hint=_NAME_IT)
        else:
            yield entry


def _is_special(entry: Path) -> bool:
    """Return whether an entry is no file; a link that leads nowhere is one that cannot be read."""
    try:
        return not stat.S_ISREG(entry.stat().st_mode)
    except OSError:
        return False
