"""The signer's private key in a file: generated once, readable by its owner only.

It is outside the database on purpose: anyone who can rewrite the database does not have the key.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from ..errors import SettingInvalid
from ..runtime.private_files import check_folder, check_secret
from .note import NoteInvalid, Signer


def load_signer(path: Path) -> Signer:
    """Load the key from the file; if there is none, generate it.

    Raises SettingInvalid; FilesExposed if another account can read or change the key.
    If several processes generate it at once, one wins, and all return its key.
    """
    try:
        check_folder(path.parent)
        if not path.exists():
            _generate(path)
        check_secret(path)
        return Signer.parse(path.read_text(encoding="ascii"))
    except NoteInvalid as error:
        raise SettingInvalid(f"{path} does not contain the audit log's key. {error}") from None
    except (OSError, UnicodeDecodeError):
        raise SettingInvalid(
            f"The audit log's key cannot be read from or written to {path}. "
            "Set UNSEEN_AUDIT_KEY_FILE to a file that this account can read."
        ) from None


def _generate(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # The name tells services apart in everything that they sign.
    signer = Signer.generate(f"unseen-audit/{secrets.token_hex(4)}")
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with open(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:  # noqa: PTH123
        file.write(signer.encode() + "\n")
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
