"""Keys that their holder makes: the secret stays here, the digest goes to the issuer."""

import hashlib
import os
import secrets
import shlex
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from .errors import InputError
from .private_files import write_new_file

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MAX_BYTES: Final = 4_096
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class HolderKey:
    """A key, which only its holder has."""

    secret: str = field(repr=False)

    @classmethod
    def make(cls) -> Self:
        """Generate a key: 256 random bits."""
        return cls(f"unseen_{secrets.token_urlsafe(32)}")

    @property
    def digest(self) -> str:
        """What the issuer registers: it identifies the key and does not reveal it."""
        return f"sha256:{self._hash().hex()}"

    @property
    def fingerprint(self) -> str:
        """What the holder reads to the approver: the first 100 bits of the digest."""
        bits = int.from_bytes(self._hash(), "big") >> (256 - 100)
        characters = [_ALPHABET[(bits >> shift) & 31] for shift in range(95, -1, -5)]
        return "-".join("".join(characters[start : start + 5]) for start in range(0, 20, 5))

    def save(self, path: Path) -> None:
        """Write to a new file that only its owner can read. Raises InputError."""
        try:
            write_new_file(path, f"{self.secret}\n")
        except OSError as error:
            raise InputError(
                f"The key cannot be saved in {path}: {error.strerror}.",
                hint="Give the path of a new file in a folder where you can write.",
            ) from error

    def _hash(self) -> bytes:
        return hashlib.sha256(self.secret.encode()).digest()


def read_key_file(path: str) -> str:
    """Return the key in a file. Raises InputError if it has none, or if others can read it."""
    try:
        with Path(path).open("rb") as file:
            _check_mode(path, os.fstat(file.fileno()))
            text = file.read(_MAX_BYTES)
    except OSError as error:
        raise InputError(
            f"The key file {path} cannot be read: {error.strerror}.",
            hint="Give the path of a file that holds the key and nothing else.",
        ) from error
    key = text.decode("utf-8-sig", "replace").strip()
    if not is_key(key):
        raise InputError(
            f"The file {path} holds no key.", hint="`unseen key new FILE` makes a key and its file."
        )
    return key


def is_key(text: str) -> bool:
    """Return whether a text can be a key: printable ASCII without spaces."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


def _check_mode(path: str, status: os.stat_result) -> None:
    # Windows has no such modes; a pipe belongs to whoever made it.
    if os.name == "posix" and stat.S_ISREG(status.st_mode) and status.st_mode & _OTHERS:
        raise InputError(
            f"Other accounts of this machine can use the key file {path}.",
            hint=f"chmod 600 {shlex.quote(path)}",
        )
