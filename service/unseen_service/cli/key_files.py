"""Files that hold a key: read only if no other account can read them."""

import os
import shlex
import stat
import sys
from pathlib import Path

from ..errors import OperatorError

_MAX_BYTES = 4_096


class KeyFileInvalid(OperatorError):
    """A file with a key cannot be used."""


def read_key(path: Path) -> str:
    """Return the key in a file, or on standard input if the path is `-`. Raises KeyFileInvalid."""
    if path == Path("-"):
        return _checked(sys.stdin.readline())
    try:
        with path.open("rb") as file:
            _check_mode(path, os.fstat(file.fileno()))
            return _checked(file.read(_MAX_BYTES).decode("utf-8", "replace"))
    except OSError as error:
        raise KeyFileInvalid(f"{path} cannot be read: {error.strerror}.") from None


def _check_mode(path: Path, status: os.stat_result) -> None:
    if stat.S_ISREG(status.st_mode) and status.st_mode & 0o077:
        raise KeyFileInvalid(
            f"Other accounts can read the key in {path}: chmod 600 {shlex.quote(str(path))}"
        )


def _checked(text: str) -> str:
    key = text.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise KeyFileInvalid("The key file holds no key: it is one line, as 'unseen key new' made.")
    return key
