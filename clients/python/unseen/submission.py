"""A submission before it is sent: the request body, the PIN, and the idempotency key.

It can be saved in a file (mode 0600) and sent later, after a network failure or from another
device. The page writes and reads the same file.
"""

import contextlib
import json
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from .codes import make_pin, read_pin
from .errors import InputError, StatementError, UnderageError, UnreadableFileError
from .fingerprints import MIN_QUALITY, Fingerprint
from .private_files import write_new_file

MAX_IMAGES: Final = 1000
MAX_HASHES: Final = 10_000
"""What fits into a request: 1,000 images in 8 views, or more than 400 with their crops."""
_FORMAT: Final = "unseen_submission"
_KEY: Final = "[A-Za-z0-9_-]{16,64}"


@dataclass(frozen=True, slots=True)
class Submission:
    """A request for a case, which can be sent repeatedly until there is a response."""

    body: Mapping[str, Any] = field(repr=False)
    """The exact JSON of `POST /v1/cases`."""
    idempotency_key: str = field(repr=False)
    """128 random bits; the service opens one case per key, however often it is sent."""
    server: str | None = None
    """The server it is meant for, if known."""

    @classmethod
    def of(
        cls,
        images: Iterable[Sequence[Fingerprint]],
        *,
        adult: bool,
        depicted: bool,
        without_consent: bool,
        server: str | None = None,
    ) -> "Submission":
        """Prepare a case for images, each given by the fingerprints of its views.

        The statements: everyone shown was 18 or older; the submitter is in the images; they are
        shared, or may be, without consent. A new PIN is made. Raises UnderageError or
        StatementError if a statement is false, InputError unless there are 1 to 1000 images
        with at most MAX_HASHES hashes, QualityTooLowError if an image is too flat.
        """
        statements = {"adult": adult, "depicted": depicted, "without_consent": without_consent}
        require_statements(statements)
        listed = [_image(prints) for prints in images]
        if not 1 <= len(listed) <= MAX_IMAGES:
            raise InputError(
                f"A case can have 1 to {MAX_IMAGES} images, not {len(listed)}.",
                hint="Submit the images in several cases.",
            )
        hashes = sum(len(image["hashes"]) for image in listed)
        if hashes > MAX_HASHES:
            raise InputError(
                f"A case can have {MAX_HASHES} hashes, not {hashes}.",
                hint="Submit the images in several cases, or leave out their crops.",
            )
        body = {"images": listed, "statements": statements, "pin": make_pin()}
        return cls(body, secrets.token_urlsafe(16), server)

    @property
    def pin(self) -> str:
        """The PIN. It cannot be recovered if it is lost."""
        return str(self.body["pin"])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to a new file that only its owner can read. Raises InputError."""
        text = json.dumps(
            {
                _FORMAT: 1,
                "server": self.server,
                "idempotency_key": self.idempotency_key,
                "body": self.body,
            },
            indent=1,
        )
        try:
            write_new_file(path, text + "\n")
        except OSError as error:
            raise InputError(
                f"The submission cannot be saved: {error.strerror}.",
                hint="Give the path of a new file in a folder where you can write.",
            ) from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Submission":
        """Read a prepared submission, and close its file to other accounts: it contains the PIN.

        Raises UnreadableFileError; InputError for another file, or one that others could change.
        """
        try:
            with Path(path).open(encoding="utf-8-sig") as file:
                _make_private(file.fileno())
                text = file.read()
        except OSError as error:
            raise UnreadableFileError(f"The file cannot be read: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise _not_prepared() from error
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return cls._parse(json.loads(text))
        raise _not_prepared()

    @classmethod
    def _parse(cls, data: Mapping[str, Any]) -> "Submission":
        if data[_FORMAT] != 1:
            raise InputError(
                "The prepared submission was written by a newer version.",
                hint="Update this client, then try again.",
            )
        body, key, server = data["body"], data["idempotency_key"], data.get("server")
        read_pin(str(body["pin"]))
        if not re.fullmatch(_KEY, key) or not isinstance(server, str | None):
            raise _not_prepared()
        return cls(body, key, server)


def _image(prints: Sequence[Fingerprint]) -> dict[str, Any]:
    """Return the JSON of one image: its views, without those too weak to be sent."""
    if not prints:
        raise InputError("An image needs at least one fingerprint.", hint="Hash its views.")
    prints[0].require_quality()
    hashes = [
        {"pdq": one.pdq, "quality": one.quality, "view": one.view}
        for one in prints
        if one.quality >= MIN_QUALITY
    ]
    return {"hashes": hashes, "convention": prints[0].convention}


def require_statements(statements: Mapping[str, bool]) -> None:
    """Raise UnderageError or StatementError unless every statement is true."""
    if not statements["adult"]:
        raise UnderageError("Nothing was submitted: Unseen accepts only images of adults.")
    if not all(statements.values()):
        raise StatementError(
            "Only the person shown in the images can open a case, and only if they did not agree "
            "to the images being shared.",
            hint="A helpline in your country can tell you what else you can do.",
        )


def _make_private(descriptor: int) -> None:
    """Close a file of ours to other accounts. Raises InputError if they could have changed it.

    They could have put a submission with a PIN of theirs there, and then see or withdraw the case.
    """
    if sys.platform == "win32":
        return
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        return
    by_group = found.st_mode & stat.S_IWGRP and found.st_gid != os.getegid()
    is_foreign = found.st_uid not in (0, os.geteuid())
    if is_foreign or by_group or found.st_mode & stat.S_IWOTH:
        raise InputError(
            "Another account on this computer could have changed the submission in this file.",
            hint="Prepare it again, in a folder of your own.",
        )
    if found.st_mode & 0o077:
        with contextlib.suppress(OSError):  # on a drive without modes, or of root's
            os.fchmod(descriptor, 0o600)


def _not_prepared() -> InputError:
    return InputError(
        "The file is not a prepared submission.",
        hint="Give the file that `unseen submit` or the page wrote.",
    )
