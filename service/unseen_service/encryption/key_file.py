"""The file of the database's keys: read when they are needed, and again for a key that is new.

It is outside the database on purpose, and readable by its owner only.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import SettingInvalid
from ..runtime.private_files import check_folder, check_secret, sync_folder, write_secret
from .keyring import HashKey, Keyring, KeyringInvalid

_SETTING = "UNSEEN_ENCRYPTION_KEY_FILE"


class KeyFile:
    """The keys in a file. Every reader of the database that meets a hash needs them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read: Keyring | None = None

    @property
    def keyring(self) -> Keyring:
        """The keys, as they were read last. Raises SettingInvalid, FilesExposed."""
        self._read = self._read or self.reload()
        return self._read

    def key(self, version: int) -> HashKey:
        """Return the key of a version. Raises SettingInvalid if the file lacks it."""
        keyring = self.keyring
        if version not in keyring.keys:
            keyring = self.reload()
        if version not in keyring.keys:
            raise SettingInvalid(
                f"{self.path} lacks key {version} of the database. Copy the file from the host "
                "where 'unseen-service encrypt' ran, or from your backup."
            )
        return keyring.keys[version]

    def exists(self) -> bool:
        """Return whether there is a file."""
        return self.path.exists()

    def reload(self) -> Keyring:
        """Read the file again. Raises SettingInvalid, FilesExposed."""
        try:
            check_folder(self.path.parent)
            check_secret(self.path)
            self._read = Keyring.parse(self.path.read_text(encoding="ascii"))
        except KeyringInvalid as error:
            raise SettingInvalid(f"{self.path} holds no keys of a database. {error}") from None
        except FileNotFoundError:
            raise SettingInvalid(
                f"The keys of the database are missing: there is no {self.path}. Restore it from "
                "your backup, or copy it from another host of this service. Without it the hashes "
                "in the database cannot be read."
            ) from None
        except (OSError, UnicodeDecodeError):
            raise SettingInvalid(
                f"The keys of the database cannot be read from {self.path}. "
                f"Set {_SETTING} to a file that this account can read."
            ) from None
        return self._read

    def generate(self) -> Keyring:
        """Generate the first key, in a new file; if there is a file, return what is in it.

        Raises SettingInvalid, FilesExposed.
        """
        with self._alone():
            return self.keyring if self.exists() else self._write(Keyring.generate())

    def add_key(self) -> Keyring:
        """Add a key to those in the file. Raises SettingInvalid, FilesExposed."""
        with self._alone():
            return self._write(self.reload().with_new_key())

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from changing the file: a key that one of them adds must stay."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            check_folder(self.path.parent)
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            raise self._not_writable() from None
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _not_writable(self) -> SettingInvalid:
        return SettingInvalid(
            f"The keys of the database cannot be written to {self.path}. "
            f"Set {_SETTING} to a file that this account can write."
        )

    def _write(self, keyring: Keyring) -> Keyring:
        try:
            draft = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
            write_secret(draft, keyring.encode())
            draft.replace(self.path)
            sync_folder(self.path.parent)
        except OSError:
            raise self._not_writable() from None
        self._read = keyring
        return keyring
