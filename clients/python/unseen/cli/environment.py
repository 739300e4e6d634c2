"""The variables that the command reads; an error for what is in one names it."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import InputError
from ..server_address import read_server


@contextmanager
def naming(variable: str) -> Iterator[None]:
    """Name a variable in the InputError for its content."""
    try:
        yield
    except InputError as error:
        error.args = (f"{variable}: {error}",)
        raise


def server_of_environment(options: argparse.Namespace) -> str | None:
    """Return the address in UNSEEN_SERVER, None if it is not set. Raises InputError."""
    server = os.environ.get("UNSEEN_SERVER")
    if not server:
        return None
    with naming("UNSEEN_SERVER"):
        return read_server(server, insecure=options.insecure)
