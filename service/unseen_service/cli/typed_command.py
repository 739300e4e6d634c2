"""Commands as the operator would type them here, for messages that say what to run next."""

import os
import shlex
import shutil
import sys
from argparse import Namespace
from pathlib import Path

from ..settings import DEFAULT_DATA, read_database_url


def program() -> str:
    """Return how to type this program's name here: from a clone it is not on the PATH."""
    path = Path(sys.argv[0])
    if shutil.which(path.name) == str(path):
        return path.name
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def same_database(args: Namespace, *words: str) -> str:
    """Return a command for the database that this one uses, whatever folder it is typed in.

    A URL may hold a password, so of DATABASE_URL only the name appears.
    """
    typed = [program(), *words]
    if file := os.environ.get("DATABASE_URL_FILE"):
        return f"DATABASE_URL_FILE={shlex.quote(str(Path(file).absolute()))} {' '.join(typed)}"
    if read_database_url(os.environ):
        return f"DATABASE_URL=... {' '.join(typed)}"
    if args.data != DEFAULT_DATA:
        typed += ["--data", shlex.quote(str(args.data.absolute()))]
    return " ".join(typed)
