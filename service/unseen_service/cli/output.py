"""Standard output that cannot be written, a full disk say: one line, never a traceback.

What a command prints is buffered. If it is only written as the interpreter exits, a failure there
ends in a traceback and exit status 120, so it is written while the failure can still be reported.
"""

import os
import sys


def flush() -> None:
    """Write what is left of the output. Raises OSError."""
    if sys.stdout is not None:
        sys.stdout.flush()


def discard() -> None:
    """Discard the output from here on, and what is buffered: nobody can read it."""
    if sys.stdout is not None:
        # The buffer cannot be emptied, but what it is flushed to can be replaced.
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
        os.close(devnull)


def notice(line: str) -> None:
    """Print a line for the operator on standard error, at once."""
    print(line, file=sys.stderr, flush=True)
