"""The signer's private key in a file: made once, readable by its owner alone.

It lies outside the database on purpose: who can rewrite the one has not got the other.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from ..errors import SettingInvalid
from .note import NoteInvalid, Signer


def load_signer(path: Path) -> Signer:
    """Read the key in the file, which is made where there is none; raise SettingInvalid.

    Of several processes that make it at once, one wins and all answer its key.
    """
    try:
        if not path.exists():
            _make(path)
        return Signer.parse(path.read_text(encoding="ascii"))
    except NoteInvalid as error:
        raise SettingInvalid(f"{path} does not hold the audit log's key. {error}") from None
    except (OSError, UnicodeDecodeError):
        raise SettingInvalid(
            f"The audit log's key cannot be read from or written to {path}. "
            "Set UNSEEN_AUDIT_KEY_FILE to a file that this account may read."
        ) from None


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # The name tells two services apart in everything that is signed.
    signer = Signer.generate(f"unseen-audit/{secrets.token_hex(4)}")
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with open(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:  # noqa: PTH123
        file.write(signer.encode() + "\n")
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
