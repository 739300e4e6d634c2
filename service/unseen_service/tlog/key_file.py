"""The signer's private key in a file: generated for a new log, readable by its owner only.

It is outside the database on purpose: anyone who can rewrite the database does not have the key.
"""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..errors import SettingInvalid
from ..runtime.private_files import check_folder, check_secret, sync_folder, write_secret
from .note import NoteInvalid, Signer


def load_signer(path: Path) -> Signer:
    """Load the key from the file.

    Raises SettingInvalid, also if there is no file; FilesExposed if another account can read or
    change the key.
    """
    try:
        check_folder(path.parent)
        check_secret(path)
        return Signer.parse(path.read_text(encoding="ascii"))
    except NoteInvalid as error:
        raise SettingInvalid(f"{path} does not contain the audit log's key. {error}") from None
    except FileNotFoundError:
        raise SettingInvalid(
            f"The audit log's key is missing: there is no {path}. Restore it from your backup. If "
            "it is lost, 'unseen-service audit new-key' makes another, and the log records that."
        ) from None
    except (OSError, UnicodeDecodeError):
        raise SettingInvalid(
            f"The audit log's key cannot be read from or written to {path}. "
            "Set UNSEEN_AUDIT_KEY_FILE to a file that this account can read."
        ) from None


def load_or_generate(path: Path) -> Signer:
    """Load the key from the file; if there is none, generate it. Raises SettingInvalid.

    For a log that was never signed. If several processes generate it at once, one wins, and all
    return its key.
    """
    try:
        if not path.exists():
            _generate(path)
    except OSError:
        raise SettingInvalid(
            f"The audit log's key cannot be written to {path}. "
            "Set UNSEEN_AUDIT_KEY_FILE to a file that this account can write."
        ) from None
    return load_signer(path)


def generate_beside(path: Path, name: str | None = None) -> tuple[Signer, Callable[[], None]]:
    """Generate another key beside a file. Return it, and what puts it in the file's place.

    A key that is there is kept under another name. Raises SettingInvalid.
    """
    signer = Signer.generate(name) if name else _new_signer()
    try:
        draft = _write(path, signer)
    except OSError:
        raise SettingInvalid(f"The audit log's key cannot be written to {path}.") from None

    def put_in_place() -> None:
        if path.exists():
            os.link(path, path.with_name(f"{path.name}.{secrets.token_hex(4)}.old"))
        draft.replace(path)
        sync_folder(path.parent)

    return signer, put_in_place


def _new_signer() -> Signer:
    # The name tells services apart in everything that they sign.
    return Signer.generate(f"unseen-audit/{secrets.token_hex(4)}")


def _generate(path: Path) -> None:
    draft = _write(path, _new_signer())
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    sync_folder(path.parent)


def _write(path: Path, signer: Signer) -> Path:
    """Write a key to a file beside `path`. Return that."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    write_secret(draft, signer.encode() + "\n")
    return draft
