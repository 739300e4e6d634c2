"""Memory that the workers of a host have in common: what each of them counts, all of them know.

It is a file of equal blocks, mapped by every worker: block 0 holds a secret, block N is line N's.
Nobody takes a lock. A count that two workers raise in the same instant may be raised once; that
is rarer than would matter to what is counted here, and nothing but counts belongs in it.
"""

import logging
import mmap
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

PATH_VARIABLE = "UNSEEN_SHARED_COUNTS"
"""Names the file to the workers, in their environment; it is no setting."""

BLOCK = 49 << 16
"""Bytes of a block: whole pages, also where a page is 64 KiB. A file is sparse."""

SECRET_BYTES = 64

logger = logging.getLogger(__name__)


class SharedCounts:
    """The file at a path, which `create` made; raises OSError where it cannot be opened."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self.secret = os.pread(self._file, SECRET_BYTES, 0)
        """Drawn by who made the file, the same for all workers."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "SharedCounts | None":
        """Open the file that the environment names; None where there is none to be had."""
        if PATH_VARIABLE not in environment:
            return None
        try:
            return cls(Path(environment[PATH_VARIABLE]))
        except OSError:
            logger.warning("memory is not shared: each worker counts look-ups by itself")
            return None

    @staticmethod
    def create(path: Path) -> None:
        """Make the file anew."""
        path.write_bytes(secrets.token_bytes(SECRET_BYTES))

    def block(self, line: int) -> memoryview:
        """Map the block of a line of keys (1 or more); raise OSError where there is no room.

        The room is taken at once: where memory that is mapped turns out not to be there, the
        kernel ends the process.
        """
        if sys.platform != "linux":
            raise OSError("memory is shared on Linux only")
        os.posix_fallocate(self._file, line * BLOCK, BLOCK)
        return memoryview(mmap.mmap(self._file, BLOCK, offset=line * BLOCK))


def private_block() -> memoryview:
    """Give a block that is nobody else's; it takes memory as it is filled."""
    return memoryview(mmap.mmap(-1, BLOCK))


def share_counts() -> None:
    """Have the workers that are started from here count together, in memory, not on a disk.

    What they count is close to what was asked about: no disk should have it. On Linux only;
    elsewhere each counts for itself.
    """
    if sys.platform == "linux":
        # Open for as long as this process lives, which is longer than any worker does.
        memory = os.memfd_create("unseen-counts")
        path = Path(f"/proc/{os.getpid()}/fd/{memory}")
        SharedCounts.create(path)
        os.environ[PATH_VARIABLE] = str(path)
