"""Standard output and standard error when they are closed, full, or no longer read.

Python itself would end with a traceback, or would flush once more at exit, print "Exception
ignored" and return 120. Everything that the command prints goes through here.
"""

import os
import stat
import sys
from io import TextIOWrapper
from typing import Final, TextIO

_STDERR: Final = 2


class StdoutError(Exception):
    """A result could not be written to standard output.

    `is_unread`: because its reader has ended, as in `unseen hash photos | head -1`.
    """

    def __init__(self, reason: str, *, is_unread: bool = False) -> None:
        super().__init__(f"Cannot write to standard output: {reason}.")
        self.is_unread = is_unread


def open_streams() -> None:
    """Open stderr on the null device if it is closed. Raises StdoutError if stdout is closed."""
    if sys.stderr is None:
        # Otherwise print() would write messages to stdout, and the next file that is opened would
        # get descriptor 2, which C libraries write to.
        null = os.open(os.devnull, os.O_WRONLY)
        if null != _STDERR:
            os.dup2(null, _STDERR)
            os.close(null)
        sys.stderr = open(_STDERR, "w", closefd=False)  # noqa: SIM115 - by descriptor
    if sys.stdout is None:
        raise StdoutError("it is closed")
    if isinstance(sys.stdout, TextIOWrapper):
        # A name that the terminal's character set does not have must not end in a traceback.
        sys.stdout.reconfigure(errors="backslashreplace")
    if isinstance(sys.stdin, TextIOWrapper):
        # Nor must a key that the person presses; what cannot be read is no answer.
        sys.stdin.reconfigure(errors="replace")


def write_result(text: str) -> None:
    """Write to stdout. Raises StdoutError."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        _discard(sys.stdout)
        is_unread = isinstance(error, BrokenPipeError)
        raise StdoutError(error.strerror or str(error), is_unread=is_unread) from error


def stdout_is_kept() -> bool:
    """Return whether stdout is a terminal or a file, where the person finds what was written.

    The reader of a pipe may end without showing it, and the null device shows nothing.
    """
    try:
        mode = os.fstat(sys.stdout.fileno()).st_mode
    except (OSError, ValueError):
        return True  # a program that runs this one in its own process has the text
    return stat.S_ISREG(mode) or sys.stdout.isatty()


def sync_stdout() -> None:
    """Flush a file to its disk, which may be full without having said so. Raises StdoutError."""
    try:
        descriptor = sys.stdout.fileno()
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.fsync(descriptor)
    except ValueError:
        return  # not a file of the system
    except OSError as error:
        raise StdoutError(error.strerror or str(error)) from error


def write_message(text: str) -> None:
    """Write to stderr; drop a message that cannot be written, since the work matters more."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        _discard(sys.stderr)


def _discard(stream: TextIO) -> None:
    """Send what is still buffered to the null device, so that Python can flush it at exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
