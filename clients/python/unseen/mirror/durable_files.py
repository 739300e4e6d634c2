"""Crash-safe files: private, flushed to disk, replaced atomically, with one writer per folder."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ..errors import LocalCopyError

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Lock:
    """The lock of the one process that writes to a folder; the system frees it when that ends."""

    def __init__(self, folder: Path) -> None:
        """Acquire the lock. Raises LocalCopyError if another process has it."""
        self._descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._descriptor)
        except OSError:
            os.close(self._descriptor)
            raise LocalCopyError(
                "Another process is already updating this copy.",
                hint="One is enough. For another copy, use another --folder.",
            ) from None

    def release(self) -> None:
        """Release the lock."""
        with suppress(OSError):
            os.close(self._descriptor)


def create(path: Path) -> BinaryIO:
    """Create or empty a file for reading and writing that only its owner may read."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | _BINARY, 0o600)
    return open(descriptor, "w+b")  # noqa: PTH123 - by descriptor


def flush(file: BinaryIO) -> None:
    """Wait until everything written to a file is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def replace(scratch: Path, path: Path) -> None:
    """Move a flushed file over another atomically, and wait until that is on the disk."""
    scratch.replace(path)
    if sys.platform != "win32":
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


_BINARY = getattr(os, "O_BINARY", 0)
