"""A lock between processes: only one at a time starts or joins the server."""

import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ..runtime.private_files import open_file
from .errors import EmbeddedPostgresError

if sys.platform != "win32":
    import fcntl

_REPORT_AFTER_S = 2.0
_POLL_INTERVAL_S = 0.02

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def locked(path: Path, *, timeout_s: float) -> Iterator[None]:
    """Hold a lock on the file `path`, which is created if needed, within a `with` block.

    The kernel releases the lock when its process ends. Raises EmbeddedPostgresError if another
    process holds it for `timeout_s` seconds.
    """
    with _wait_for(path, timeout_s):
        yield


def try_lock(path: Path) -> IO[str] | None:
    """Return the locked file, which is unlocked when it is closed; None if another holds it."""
    file = os.fdopen(open_file(path, os.O_RDWR | os.O_CREAT), "r+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _wait_for(path: Path, timeout_s: float) -> IO[str]:
    began, is_reported = time.monotonic(), False
    while (file := try_lock(path)) is None:
        waited = time.monotonic() - began
        if waited > timeout_s:
            raise EmbeddedPostgresError(
                f"Another process has held {path} for {timeout_s:.0f} s.",
                hint="It is starting the embedded PostgreSQL: wait for it, or stop it.",
            )
        if waited > _REPORT_AFTER_S and not is_reported:
            logger.warning("waiting for another process, which holds %s", path)
            is_reported = True
        time.sleep(_POLL_INTERVAL_S)
    return file
