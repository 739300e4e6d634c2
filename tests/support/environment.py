"""The environment that tests run in: no variable of whoever runs them, temporary files in memory.

What a developer has set (`DATABASE_URL`, `UNSEEN_KEY`, `PGHOST`, `http_proxy`, `PYTHONUNBUFFERED`)
changes neither a test nor a process that one starts. What can be chosen is an option of pytest:
`pytest --help` lists them under "unseen".
"""

import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

from .encryption import key_file

_KEPT = ("HOME", "PATH", "TMPDIR")
_OF_PYTEST = ("PYTEST_", "COV_CORE_")
_MEMORY = Path("/dev/shm")  # noqa: S108 - only its owner may write to the folder made in it
_MIN_FREE_BYTES = 2 * 1024**3
_PREFIX = "unseen-run-"
_HOUR_S = 3_600


def clean_environment(**extra: str) -> dict[str, str]:
    """Return the whole environment for a process that a test starts: the least, and `extra`."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    # Tests connect to this machine only. Without this every HTTP client, in every process, would
    # read all the certificates that the system trusts, which takes 30 ms.
    own = {"SSL_CERT_DIR": os.devnull, "UNSEEN_ENCRYPTION_KEY_FILE": str(key_file())}
    return {**kept, **own, **extra}


def remove_variables() -> None:
    """Leave in `os.environ` what `clean_environment` returns: some tests run code in-process."""
    of_pytest = {k: v for k, v in os.environ.items() if k.startswith(_OF_PYTEST)}
    kept = clean_environment(**of_pytest)
    del kept["UNSEEN_ENCRYPTION_KEY_FILE"]  # it is in a folder that is chosen later
    os.environ.clear()
    os.environ.update(kept)


def prepare() -> None:
    """Set up what this process and every process started from it share."""
    # A shell makes background commands ignore Ctrl-C, and processes started from them inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if _is_memory_usable():
        _remove_stale_folders()
        folder = _run_folder()
        folder.mkdir(mode=0o711, exist_ok=True)
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder)


def remove_files() -> None:
    """Remove the files that this run has left in memory."""
    shutil.rmtree(_run_folder(), ignore_errors=True)


def _run_folder() -> Path:
    return _MEMORY / f"{_PREFIX}{os.getpid()}"


def _is_memory_usable() -> bool:
    """Return whether temporary files can be kept in memory.

    Tests kill processes, not the machine, and a file in memory survives that as one on disk does.
    Creating a database takes 30 ms in memory, and up to ten times as long on a disk.
    """
    writable = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK | os.X_OK)
    return writable and shutil.disk_usage(_MEMORY).free > _MIN_FREE_BYTES


def _remove_stale_folders() -> None:
    """Remove the folders of runs that failed or were killed: they take up memory."""
    for folder in _MEMORY.glob(f"{_PREFIX}*"):
        ended = not Path("/proc", folder.name.removeprefix(_PREFIX)).exists()
        # Another container may share /dev/shm but not its process IDs, so young ones are kept.
        if ended and time.time() - folder.stat().st_ctime > _HOUR_S:
            shutil.rmtree(folder, ignore_errors=True)
