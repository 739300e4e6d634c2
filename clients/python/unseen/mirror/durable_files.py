"""Crash-safe files: private, flushed to disk, replaced atomically, with one writer per folder."""

import os
import stat
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


def check_folder(folder: Path) -> None:
    """Raise LocalCopyError if other accounts could put files of theirs into a copy's folder."""
    if sys.platform == "win32" or not folder.is_dir():
        return
    found = folder.stat()
    by_group = found.st_mode & stat.S_IWGRP and found.st_gid != os.getegid()
    if by_group or found.st_mode & stat.S_IWOTH:
        raise LocalCopyError(
            f"Other accounts on this computer can change the copy in {folder}.",
            hint=f"Run `chmod 700 {folder}`. If one of them may have changed it, delete it first: "
            "`unseen mirror` builds it again.",
        )


def claim_folder(folder: Path) -> None:
    """Create the folder of a copy, or check it and close the files of a copy that is in it.

    Files that were copied here may be readable to everyone. Raises LocalCopyError.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    check_folder(folder)
    for mode, pattern in ((0o600, "*.ndjson"), (0o700, "index-*")):
        for path in folder.glob(pattern):
            if not path.is_symlink():
                with suppress(PermissionError):  # not ours: then we cannot update it either
                    path.chmod(mode)


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
    flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | _BINARY | _NO_LINK
    descriptor = os.open(path, flags, 0o600)
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
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
