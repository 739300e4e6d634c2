"""Where a command gets its key from: a file, the environment, or an option that others can see."""

import argparse
import os

from ..errors import InputError
from ..keys import is_key, read_key_file
from .environment import naming
from .streams import write_message

_VISIBLE = (
    "unseen: --key shows the key to everyone on this machine, in the list of processes\n"
    "  Use --key-file FILE or UNSEEN_KEY_FILE.\n"
)


def read_key(options: argparse.Namespace) -> str | None:
    """Return the key of a command, None if there is none; warn if others can see it.

    An option overrides the environment, and a file overrides a key there. Raises InputError for a
    file that cannot be used.
    """
    if options.key is not None:
        write_message(_VISIBLE)
        return str(options.key)
    if options.key_file:
        return read_key_file(options.key_file)
    if file := os.environ.get("UNSEEN_KEY_FILE"):
        with naming("UNSEEN_KEY_FILE"):
            return read_key_file(file)
    return _key_of_environment()


def _key_of_environment() -> str | None:
    key = os.environ.get("UNSEEN_KEY", "").strip()  # a CR at its end is of Windows' line ends
    if key and not is_key(key):
        raise InputError(
            "UNSEEN_KEY has characters that no key has.",
            hint="Copy the key again, without line breaks, or use UNSEEN_KEY_FILE.",
        )
    return key or None
