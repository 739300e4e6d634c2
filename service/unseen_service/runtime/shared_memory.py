"""Memory that all workers of a host share: what one of them counts, all of them see.

It is a file of equal blocks that every worker maps: block 0 holds a secret, each other one belongs
to the platforms that share it. A block takes memory from its first use until it is released, and
there are no more than `BLOCKS`. There is no locking. If two workers increment a count at the same
instant, one increment may be lost; that is rare enough for what is counted here, and nothing but
counts may be stored in it.
"""

import contextlib
import logging
import mmap
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

PATH_VARIABLE = "UNSEEN_SHARED_COUNTS"
"""The environment variable that gives workers the file's path; not a setting."""

BLOCK_BYTES = 7 << 16
"""Size of a block: whole pages, even if a page has 64 KiB. The file is sparse."""

BLOCKS = 128
"""The most blocks of a host. With more platforms, some share one, and are counted together."""

SECRET_BYTES = 64

logger = logging.getLogger(__name__)


class SharedCounts:
    """The file at a path, as made by `create`. Raises OSError if it cannot be opened."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self.secret = os.pread(self._file, SECRET_BYTES, 0)
        """Random bytes, the same for all workers."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "SharedCounts | None":
        """Open the file that the environment names. Return None if unavailable."""
        if PATH_VARIABLE not in environment:
            return None
        try:
            return cls(Path(environment[PATH_VARIABLE]))
        except OSError:
            logger.warning("no shared memory: each worker counts lookups by itself")
            return None

    @staticmethod
    def create(path: Path) -> None:
        """Write a new file, or overwrite an old one."""
        path.write_bytes(secrets.token_bytes(SECRET_BYTES))

    def block(self, number: int) -> memoryview:
        """Return a mapped block (0 to `BLOCKS` - 1). Raises OSError if memory is full.

        The memory is allocated at once: if a mapped page could not be allocated later, the kernel
        would kill the process.
        """
        if sys.platform != "linux":
            raise OSError("memory is shared on Linux only")
        offset = (number + 1) * BLOCK_BYTES
        os.posix_fallocate(self._file, offset, BLOCK_BYTES)
        return memoryview(mmap.mmap(self._file, BLOCK_BYTES, offset=offset))

    @staticmethod
    def release(block: memoryview) -> None:
        """Return a block's memory to the system; whoever still maps it reads zeros from here on."""
        with contextlib.suppress(OSError):  # not on a file system that cannot: then it stays
            block.obj.madvise(mmap.MADV_REMOVE)  # type: ignore[attr-defined]


def private_block() -> memoryview:
    """Return a block for this process only; its memory is allocated as it is written to."""
    return memoryview(mmap.mmap(-1, BLOCK_BYTES))


def share_counts() -> None:
    """Create the shared memory for the workers that this process starts.

    It is never on a disk, because the counts reveal something about the queries. On Linux only;
    elsewhere each worker counts by itself.
    """
    if sys.platform == "linux":
        # Never closed: it has to outlive every worker.
        memory = os.memfd_create("unseen-counts")
        path = Path(f"/proc/{os.getpid()}/fd/{memory}")
        SharedCounts.create(path)
        os.environ[PATH_VARIABLE] = str(path)
