"""Where a command gets its key from: a file, the environment, or an option that others can see."""

import argparse
import os

from ..keys import read_key_file
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
    file = options.key_file or os.environ.get("UNSEEN_KEY_FILE")
    return read_key_file(file) if file else os.environ.get("UNSEEN_KEY")
