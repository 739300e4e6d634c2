"""Other accounts of this machine, for tests marked `root`, and what is open to them."""

import pwd
import subprocess
from pathlib import Path

STRANGER = 65_534
"""The user ID of `nobody`: an account that any program may run as, and that owns nothing."""


def run_as(uid: int, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command as another account, with its own group only; return what it printed."""
    return subprocess.run(
        [str(word) for word in command],
        cwd="/",
        user=uid,
        group=pwd.getpwuid(uid).pw_gid,
        extra_groups=[],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def start_as(uid: int, *command: str | Path) -> "subprocess.Popen[bytes]":
    """Start a command as another account, with its own group only."""
    return subprocess.Popen(
        [str(word) for word in command],
        cwd="/",
        user=uid,
        group=pwd.getpwuid(uid).pw_gid,
        extra_groups=[],
    )


def wider_than_private(folder: Path) -> list[str]:
    """Return each file below a folder that another account may read or write, with its mode."""
    found = [each for each in folder.rglob("*") if not each.is_symlink()]
    return [
        f"{each.relative_to(folder)} {each.stat().st_mode & 0o777:o}"
        for each in sorted(found)
        if each.stat().st_mode & 0o077
    ]
