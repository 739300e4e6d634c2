"""A lock between processes, so that one at a time starts or joins the server."""

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from .errors import EmbeddedPostgresError

if sys.platform != "win32":
    import fcntl


@contextlib.contextmanager
def locked(path: Path, *, within_s: float) -> Iterator[None]:
    """Hold the lock on the file `path`, which is made if need be; it ends with its holder.

    Raises EmbeddedPostgresError when another process keeps it for `within_s` seconds.
    """
    deadline = time.monotonic() + within_s
    with path.open("a") as file:
        while not _taken(file.fileno()):
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"Another process has held {path} for {within_s:.0f} s.",
                    hint="It is starting the embedded PostgreSQL; see to it first.",
                )
            time.sleep(0.02)
        yield


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
