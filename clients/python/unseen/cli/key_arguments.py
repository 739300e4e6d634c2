"""The command lines of `key`, for anyone who holds a key."""

import argparse
from typing import TYPE_CHECKING, Final

from . import commands as run
from .common_options import add_command, add_key, add_server

if TYPE_CHECKING:
    from .common_options import Commands

_FILE: Final = "unseen.key"
_OVERLAP_S: Final = 3_600


def add_key_commands(commands: "Commands") -> None:
    """Add `key new`, `key activate`, `key show` and `key rotate`."""
    summary = "Make a key that nobody else knows, activate it, replace it."
    key = commands.add_parser("key", help=summary, description=summary)
    subcommands = key.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_new(subcommands)
    summary = "Use a key for the first time, after its issuer has registered the digest."
    _add_online(subcommands, "activate", summary)
    _add_online(subcommands, "show", "Show what a key is for, and whether it is active.")
    summary = "Replace a key that works by a new one; nobody has to approve it."
    rotate = _add_online(subcommands, "rotate", summary)
    _add_file(rotate, f"{_FILE}.new")
    rotate.add_argument(
        "--overlap",
        type=int,
        default=_OVERLAP_S,
        metavar="SECONDS",
        help="how long the old key still works (default %(default)s)",
    )


def _add_new(subcommands: "Commands") -> None:
    summary = "Make a key; nothing is sent. Its issuer registers the digest that is printed."
    command = add_command(subcommands, "new", run.new_key, summary)
    _add_file(command, _FILE)
    command.add_argument(
        "--print",
        dest="prints",
        action="store_true",
        help="print the key, once, instead of writing it to a file",
    )


def _add_online(subcommands: "Commands", name: str, summary: str) -> argparse.ArgumentParser:
    command = add_command(subcommands, name, getattr(run, f"{name}_key"), summary)
    add_key(command)
    add_server(command)
    return command


def _add_file(command: argparse.ArgumentParser, default: str) -> None:
    command.add_argument(
        "file",
        nargs="?",
        default=default,
        metavar="FILE",
        help="the new file, which only you can read (default %(default)s)",
    )
