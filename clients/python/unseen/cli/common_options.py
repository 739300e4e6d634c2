"""The options that several commands share."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from .exit_codes import Exit
from .output import Output

Command = Callable[[argparse.Namespace, Output], Exit]

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001


def add_command(
    commands: "Commands", name: str, run: Command, summary: str
) -> argparse.ArgumentParser:
    """Add a command with the option --json."""
    command = commands.add_parser(name, help=summary, description=summary)
    command.set_defaults(run=run)
    command.add_argument("--json", action="store_true", help="print the result as JSON")
    return command


def add_fast(command: argparse.ArgumentParser) -> None:
    """Add --fast."""
    command.add_argument(
        "--fast",
        action="store_true",
        help="decode large JPEGs at a reduced size; a few bits may differ",
    )


def add_server(command: argparse.ArgumentParser) -> None:
    """Add --server and --insecure."""
    command.add_argument("--server", metavar="URL", help="the service's address")
    command.add_argument("--insecure", action="store_true", help="allow http:// to another machine")


def add_key(command: argparse.ArgumentParser) -> None:
    """Add --key-file and --key."""
    source = command.add_mutually_exclusive_group()
    source.add_argument("--key-file", metavar="FILE", help="a file with the key, for you alone")
    source.add_argument("--key", help="the key itself; others can see it while the command runs")
