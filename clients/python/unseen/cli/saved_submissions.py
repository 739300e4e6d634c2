"""The file of a submission: the PIN and the case are never lost.

It is written before the first byte is sent. The command removes its own file, and only after the
service has confirmed the case and number and PIN have been written to a terminal or a file. So a
dropped connection, a power cut, a Ctrl-C, a closed terminal, a full disk or `| head -1` leaves it.
A file that the person named is theirs, and stays.
"""

import contextlib
import os
import shlex
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from ..errors import (
    ImageRefusedError,
    InputError,
    KeyReusedError,
    RequestRefusedError,
    UnseenError,
)
from ..submission import Submission
from .output import Output
from .streams import StdoutError, stdout_is_kept, sync_stdout

REFUSED: Final = (RequestRefusedError, ImageRefusedError, KeyReusedError)
"""What a service answers that opens no case."""


@dataclass(frozen=True, slots=True)
class SavedSubmission:
    """A submission's file."""

    path: Path
    is_new: bool
    """Whether this call of the command wrote it."""
    is_own: bool
    """Whether the command wrote it, now or earlier, and not the person."""

    @classmethod
    def of(cls, submission: Submission, named: str | None) -> Self:
        """Return the file that the person named, or else save the submission in a new one.

        Raises InputError if it cannot be saved.
        """
        if named:
            path = Path(named)
            return cls(path, is_new=False, is_own=path.name == _file_name(submission))
        return cls(_save(submission), is_new=True, is_own=True)

    @property
    def goes_when_printed(self) -> bool:
        """Whether the file is removed once number and PIN are printed."""
        return self.is_own and stdout_is_kept()

    @contextlib.contextmanager
    def kept_until_confirmed(self) -> Iterator[None]:
        """Keep the file unless the service refuses; hint at how to send it again."""
        hint = (
            "Nothing is lost: the submission and its PIN are saved in a file that only you can "
            f"read.\n  Send it again, as often as necessary: {command_to_send(self.path)}"
        )
        try:
            yield
        except REFUSED:
            if self.is_new:
                _remove(self.path)
            raise
        except UnseenError as error:
            error.hint = f"{error.hint}\n  {hint}"
            raise
        except OSError as error:
            raise UnseenError(f"{error.strerror or error}.", hint=hint) from error
        except KeyboardInterrupt as error:
            raise KeyboardInterrupt(hint) from error

    @contextlib.contextmanager
    def kept_until_printed(self, output: Output) -> Iterator[None]:
        """Keep the file until number and PIN are printed; then remove it, or say that it stays."""
        again = f"To see them, send the same submission again: {command_to_send(self.path)}"
        goes = self.goes_when_printed
        try:
            yield
            sync_stdout()
        except StdoutError as error:
            output.note("unseen: The case is open, but its number and PIN could not be printed.")
            output.note(f"  {again}")
            error.is_unread = False  # whoever ended the pipe has not seen enough
            raise
        except KeyboardInterrupt as error:
            raise KeyboardInterrupt(f"The case is open.\n  {again}") from error
        if goes and _remove(self.path):
            if not self.is_new:
                output.note(f"The file {self.path} is removed: the case is open.")
            return
        self._report_kept(output)

    def _report_kept(self, output: Output) -> None:
        output.note(f"The file {self.path} is kept. It holds the PIN.")
        if not stdout_is_kept():
            output.note("  Whether number and PIN were shown cannot be told. To see them again:")
            output.note(f"  {command_to_send(self.path)}")
        output.note("  Delete it as soon as you have both in a safe place.")


def command_to_send(path: Path) -> str:
    """Return the command that sends a saved submission."""
    return f"unseen submit --from {shlex.quote(str(path))}"


def _file_name(submission: Submission) -> str:
    return f"unseen-submission-{submission.idempotency_key[:6].lower()}.json"


def _save(submission: Submission) -> Path:
    """Save in this folder or else in the home folder; return the path.

    The home folder also if others could replace the file here by one with a PIN of theirs.
    """
    path = Path(_file_name(submission))
    try:
        if _others_can_replace_files_in(Path.cwd()):
            raise InputError("Other accounts could replace the file.")
        submission.save(path)
    except (InputError, OSError):  # OSError: this folder is gone
        path = Path("~").expanduser() / path
        submission.save(path)
    return path


def _others_can_replace_files_in(folder: Path) -> bool:
    """Return whether every account may write there and remove what is not its own."""
    mode = folder.stat().st_mode
    return os.name == "posix" and bool(mode & stat.S_IWOTH) and not mode & stat.S_ISVTX


def _remove(path: Path) -> bool:
    """Remove a file; return whether it is gone."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
