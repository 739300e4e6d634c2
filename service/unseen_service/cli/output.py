"""Standard output and standard error when they are full, closed, or no longer read.

What a command prints is buffered. If it is only written as the interpreter exits, a failure there
ends in a traceback and exit status 120; so it is written while the failure can still be reported.
"""

import os
import sys
from contextlib import suppress
from typing import TextIO

_STDOUT, _STDERR = 1, 2


def open_streams() -> None:
    """Open the streams that are closed: a write to stdout then fails, one to stderr is dropped.

    Otherwise print() would do nothing, or write to the wrong stream, and the next file to be
    opened would get the descriptor that C libraries write messages to.
    """
    if sys.stdout is None:
        sys.stdout = _opened(_STDOUT, os.O_RDONLY)
    if sys.stderr is None:
        sys.stderr = _opened(_STDERR, os.O_WRONLY)


def flush() -> None:
    """Write what is left of the output. Raises OSError."""
    sys.stdout.flush()


def notice(line: str) -> None:
    """Print a line on standard error, at once; drop it if it cannot be written."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        discard(sys.stderr)


def discard(stream: TextIO) -> None:
    """Discard what a stream has buffered, and what is written to it from here on."""
    # The buffer cannot be emptied, but what it is flushed to can be replaced.
    _replace(stream.fileno(), os.O_WRONLY)


def close_streams() -> None:
    """Flush what is left; Python would fail on it as it exits."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with suppress(OSError):
                discard(stream)


def _opened(descriptor: int, flags: int) -> TextIO:
    _replace(descriptor, flags)
    return open(descriptor, "w", encoding="utf-8", closefd=False)


def _replace(descriptor: int, flags: int) -> None:
    null = os.open(os.devnull, flags)
    if null != descriptor:
        os.dup2(null, descriptor)
        os.close(null)
