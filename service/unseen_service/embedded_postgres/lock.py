"""A lock between processes: only one at a time starts or joins the server."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ..runtime.private_files import open_file
from .errors import EmbeddedPostgresError

if sys.platform != "win32":
    import fcntl


@contextlib.contextmanager
def locked(path: Path, *, timeout_s: float) -> Iterator[None]:
    """Hold a lock on the file `path`, which is created if needed, within a `with` block.

    The kernel releases the lock when its process ends. Raises EmbeddedPostgresError if another
    process holds it for `timeout_s` seconds.
    """
    deadline = time.monotonic() + timeout_s
    with os.fdopen(open_file(path, os.O_RDWR | os.O_CREAT), "r+") as file:
        while not _try_lock(file.fileno()):
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"Another process has held {path} for {timeout_s:.0f} s.",
                    hint="It is starting the embedded PostgreSQL: wait for it, or stop it.",
                )
            time.sleep(0.02)
        yield


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
