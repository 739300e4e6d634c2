"""Temporary folders and small file systems."""

import contextlib
import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a folder for PostgreSQL, which runs under another account if the tests run as root."""
    with tempfile.TemporaryDirectory(prefix="unseen-test-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


def data_directory_of(database_url: str) -> Path:
    """Return the data directory that the services of this test run share for a database.

    Those of one host do: with another, a service lacks the key that its audit log is signed with.
    """
    known = conninfo_to_dict(database_url)
    place = f"{known.get('host')} {known.get('port')} {known.get('dbname')}"
    name = hashlib.sha256(place.encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"data-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@contextlib.contextmanager
def mounted_disk(folder: Path, mib: int) -> Iterator[Path]:
    """Create a folder that is a file system of this size; for tests marked `root`."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=700", "tmpfs", str(folder)]
    linux = sys.platform == "linux"
    if not linux or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill_disk(folder: Path) -> Path:
    """Fill a file system to the last block; return the file to remove."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in 1 << 16, 512:
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"\0" * size)
    return filler
