"""What the tests and all that they start live in: a quick folder, no certificates, Ctrl-C."""

import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder that only its owner may write is made in it
_ROOM = 2 * 1024**3
_PREFIX = "unseen-run-"
_AN_HOUR = 3_600


def prepare() -> None:
    """Set the environment of this process, and so of all that it starts."""
    # Nothing here asks anything but this machine; else every client that is made would read all
    # the certificates that the system trusts, 30 ms each time.
    os.environ.pop("SSL_CERT_FILE", None)
    os.environ["SSL_CERT_DIR"] = os.devnull
    # What a script runs in the background ignores Ctrl-C, and so does all that it starts.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if _usable():
        _sweep()
        folder = _ours()
        folder.mkdir(mode=0o711, exist_ok=True)
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder)


def remove() -> None:
    """Remove what this run has left in memory."""
    shutil.rmtree(_ours(), ignore_errors=True)


def _ours() -> Path:
    return _MEMORY / f"{_PREFIX}{os.getpid()}"


def _usable() -> bool:
    """Say whether temporary files can be kept in memory.

    What the tests kill is processes, and a file in memory outlives those as one on a disk does;
    but to make a database takes 30 ms there, and on a disk up to ten times as long.
    """
    there = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK | os.X_OK)
    return there and shutil.disk_usage(_MEMORY).free > _ROOM


def _sweep() -> None:
    """Remove what runs have left that failed or were killed: it takes memory."""
    for left in _MEMORY.glob(f"{_PREFIX}*"):
        ended = not Path("/proc", left.name.removeprefix(_PREFIX)).exists()
        # Another container may share the folder, and not its processes' numbers.
        if ended and time.time() - left.stat().st_ctime > _AN_HOUR:
            shutil.rmtree(left, ignore_errors=True)
