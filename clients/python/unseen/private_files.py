"""New files that only their owner can read: a PIN or a key is in them."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def write_new_file(path: str | os.PathLike[str], text: str) -> None:
    """Write a text to a new file of mode 0600 that a power cut does not take away.

    Raises OSError, also if the file exists, and then leaves no part of a file behind.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with _removed_if_incomplete(Path(path)):
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - by descriptor
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(Path(path).parent)


@contextlib.contextmanager
def _removed_if_incomplete(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def _sync_folder(folder: Path) -> None:
    """Flush the name of a new file, where folders can be opened."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
