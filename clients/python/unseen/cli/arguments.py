"""The command line: its commands, options and help."""

import argparse
import os
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, NoReturn

from ..errors import InputError
from ..wire import read_server
from . import asking, auditing, casework, completion, hashing, platforms, submitting
from .exits import MEANINGS
from .options import add, add_fast, add_server

if TYPE_CHECKING:
    from .options import Commands

_EXAMPLE: Final = """\
environment:
  UNSEEN_SERVER   the service's address, instead of --server
  UNSEEN_KEY      a platform's key, instead of --key
  UNSEEN_PIN      the PIN, instead of being asked for it

exit codes:
{codes}

example:
  $ export UNSEEN_SERVER=https://unseen.example
  $ unseen submit holiday.jpg
  Was everyone shown 18 or older when the images were made? [y/N] y
  Are you the person shown in them? [y/N] y
  Were they shared, or may they be, without your consent? [y/N] y
  Case number  UN-7K4M-9QTX
  PIN          7K4M-9QTX-2HBD
  $ unseen status UN-7K4M-9QTX
  PIN (not shown while you type):
  Case UN-7K4M-9QTX: active, submitted 2026-11-22 13:40 UTC
"""


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints look like every other error of the command."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where help is."""
        self.exit(2, f"unseen: {message}\n  `{self.prog} --help` shows what can be given.\n")


def parser() -> argparse.ArgumentParser:
    """Build the parser of the whole command."""
    codes = "\n".join(f"  {code.value:<4} {meaning}" for code, meaning in MEANINGS.items())
    root: argparse.ArgumentParser = _Parser(
        prog="unseen",
        description="Hash intimate images on this device and have their copies blocked. "
        "Only hashes are ever sent, never an image.",
        epilog=_EXAMPLE.format(codes=codes),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="version", version=f"unseen {version('unseen')}")
    commands = root.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_offline(commands)
    _add_submit(commands)
    _add_casework(commands)
    platforms.add_commands(commands)
    _add_audit(commands)
    _add_completion(commands)
    return root


def _add_offline(commands: "Commands") -> None:
    command = add(commands, "hash", hashing.hash_files, "Hash images; nothing is sent.")
    command.add_argument("files", nargs="+", metavar="FILE", help="an image, or a folder of them")
    add_fast(command)
    summary = "Show the hashes of an image's eight views: mirrored and turned; nothing is sent."
    command = add(commands, "views", hashing.views, summary)
    command.add_argument("files", nargs="+", metavar="FILE", help="an image, or a folder of them")


def _add_submit(commands: "Commands") -> None:
    summary = "Open a case for images: their hashes are sent, never the images."
    command = add(commands, "submit", submitting.submit, summary)
    command.add_argument("files", nargs="*", metavar="FILE", help="an image, or a folder of them")
    command.add_argument(
        "--from", dest="prepared", metavar="FILE", help="send a submission prepared earlier"
    )
    command.add_argument(
        "--dry-run", action="store_true", help="print the exact JSON that would be sent"
    )
    command.add_argument(
        "--prepare", metavar="FILE", help="write the submission to a file and do not send it"
    )
    for name, question in asking.STATEMENTS.items():
        flag = "--" + name.replace("_", "-")
        command.add_argument(flag, action="store_true", help=f"answer yes to: {question}")
    add_server(command)


def _add_casework(commands: "Commands") -> None:
    summary = "Show where a case stands and which platforms found copies."
    command = add(commands, "status", casework.status, summary)
    command.add_argument("case", metavar="CASE", help="the case number, UN-XXXX-XXXX")
    add_server(command)
    summary = "Withdraw a case, or one image of it; its copies are no longer matched."
    command = add(commands, "withdraw", casework.withdraw, summary)
    command.add_argument("case", metavar="CASE", help="the case number, UN-XXXX-XXXX")
    command.add_argument("--image", type=int, metavar="N", help="only image N, from 1")
    add_server(command)


def _add_audit(commands: "Commands") -> None:
    summary = "Verify the audit log of a service (for auditors); nothing is sent."
    audit = commands.add_parser("audit", help=summary, description=summary)
    below = audit.add_subparsers(title="commands", metavar="COMMAND", required=True)
    summary = "Verify an export: its chain, its tree, its checkpoints."
    command = add(below, "verify", auditing.verify, summary)
    command.add_argument("file", metavar="FILE", help="the export, as /v1/audit/export gave it")
    command.add_argument(
        "--checkpoint",
        action="append",
        default=[],
        metavar="FILE",
        help="a checkpoint that somebody kept; can be given again",
    )
    command.add_argument(
        "--key", metavar="VKEY", help="the log's public key, to verify signatures with"
    )


def _add_completion(commands: "Commands") -> None:
    summary = "Print a shell's completion script."
    command = commands.add_parser("completion", help=summary, description=summary)
    command.add_argument("shell", choices=completion.SHELLS)
    command.set_defaults(
        run=lambda options, output: completion.complete(parser(), options.shell, output),
        json=False,
    )


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line and check what argparse cannot. Raises InputError."""
    options = parser().parse_args(arguments)
    if "server" in options and not getattr(options, "prepared", None):
        # A prepared submission knows its own server, which comes before the environment's.
        options.server = options.server or os.environ.get("UNSEEN_SERVER")
    if options.run is submitting.submit:
        _check_submit(options)
    elif "server" in options and not (options.server or getattr(options, "local", False)):
        raise _no_server()
    if getattr(options, "server", None):
        options.server = read_server(options.server, insecure=options.insecure)
    return options


def _check_submit(options: argparse.Namespace) -> None:
    """Refuse options of `submit` that contradict each other, before anything is done."""
    if bool(options.files) == bool(options.prepared):
        raise InputError(
            "Name either images to submit, or --from and a prepared submission.",
            hint="unseen submit holiday.jpg, or unseen submit --from unseen-submission-….json",
        )
    if options.prepare and (options.dry_run or options.prepared):
        raise InputError("--prepare goes with neither --dry-run nor --from.", hint="Leave one out.")
    sends = not (options.dry_run or options.prepare or options.prepared)
    if sends and not options.server:
        raise _no_server()


def _no_server() -> InputError:
    return InputError(
        "Which service is meant?", hint="Give its address as --server, or in UNSEEN_SERVER."
    )
