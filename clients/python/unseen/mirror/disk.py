"""What a crash-safe folder needs of the disk: private files, steps that are whole, one writer."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ..errors import LocalCopyError

if sys.platform == "win32":
    import msvcrt

    def _hold(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _hold(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Lock:
    """Held by the one process that writes to a folder; the system frees it however that ends."""

    def __init__(self, folder: Path) -> None:
        """Take the lock, or raise LocalCopyError."""
        self._descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _hold(self._descriptor)
        except OSError:
            os.close(self._descriptor)
            raise LocalCopyError(
                "Another process is keeping this copy in step.",
                hint="One is enough. To have another copy, name another --folder.",
            ) from None

    def release(self) -> None:
        """Let others write."""
        with suppress(OSError):
            os.close(self._descriptor)


def new_file(path: Path) -> BinaryIO:
    """Open a new, empty file for reading and writing that only its owner may read."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | _BINARY, 0o600)
    return open(descriptor, "w+b")  # noqa: PTH123 - by descriptor


def flush(file: BinaryIO) -> None:
    """Wait until what was written to a file is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def put(scratch: Path, path: Path) -> None:
    """Put a flushed file in the place of another in one step; it is on the disk when done."""
    scratch.replace(path)
    if sys.platform != "win32":
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


_BINARY = getattr(os, "O_BINARY", 0)
