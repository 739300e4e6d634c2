"""The command line: its commands, options and help."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ..errors import InputError
from ..server_address import read_server
from ..views import VIEWS
from . import commands as run
from . import completion, prompts
from .common_options import add_command, add_fast, add_server
from .environment import server_of_environment
from .exit_codes import MEANINGS
from .key_arguments import add_key_commands
from .key_option import read_key
from .platform_arguments import add_platform_commands
from .streams import write_message, write_result

if TYPE_CHECKING:
    from .common_options import Commands

_EPILOG: Final = """\
environment:
  UNSEEN_SERVER   the service's address, instead of --server
  UNSEEN_KEY_FILE a file with a platform's key, instead of --key-file
  UNSEEN_KEY      a platform's key
  UNSEEN_PIN      the PIN, instead of a prompt

exit codes:
{codes}

example:
  $ export UNSEEN_SERVER=https://unseen.example
  $ unseen submit holiday.jpg
  {adult} [y/N] y
  {depicted} [y/N] y
  {without_consent} [y/N] y
  Case number  UN-7K4M-9QTX
  PIN          7K4M-9QTX-2HBD
  $ unseen status UN-7K4M-9QTX
  PIN (not shown while you type):
  Case UN-7K4M-9QTX: active, submitted 2026-11-22 13:40 UTC
"""


class _Parser(argparse.ArgumentParser):
    """A parser that prints help and errors as the rest of the command does."""

    def print_help(self, file: Any = None) -> None:
        """Print the help; argparse itself would ignore that it cannot be written."""
        if file is None:
            write_result(self.format_help())
        else:
            super().print_help(file)

    def error(self, message: str) -> NoReturn:
        """Exit with what is wrong and where to find help."""
        self.exit(2, f"unseen: {message}\n  Run `{self.prog} --help` for the options.\n")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Exit, with a message on stderr."""
        if message:
            write_message(message)
        raise SystemExit(status)


class _Version(argparse.Action):
    """Print the version; looking it up takes as long as everything else, so not before."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version  # noqa: PLC0415

        write_result(f"unseen {version('unseen')}\n")
        parser.exit()


def parser() -> argparse.ArgumentParser:
    """Build the parser of the whole command."""
    root: argparse.ArgumentParser = _Parser(
        prog="unseen",
        description="Hash intimate images on this device and have their copies blocked. "
        "Only hashes are ever sent, never an image.",
        epilog=_EPILOG.format(codes=_exit_codes(), **prompts.STATEMENTS),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument(
        "--version",
        action=_Version,
        nargs=0,
        dest=argparse.SUPPRESS,
        default=argparse.SUPPRESS,
        help="show the version and exit",
    )
    commands = root.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_offline(commands)
    _add_submit(commands)
    _add_cases(commands)
    add_platform_commands(commands)
    add_key_commands(commands)
    _add_audit(commands)
    _add_completion(commands)
    return root


def _add_offline(commands: "Commands") -> None:
    command = add_command(commands, "hash", run.hash_files, "Hash images; nothing is sent.")
    command.add_argument("files", nargs="+", metavar="FILE", help="an image, or a folder of images")
    add_fast(command)
    summary = f"Hash the {len(VIEWS)} views of images, mirrored and turned; nothing is sent."
    command = add_command(commands, "views", run.views, summary)
    command.add_argument("files", nargs="+", metavar="FILE", help="an image, or a folder of images")


def _add_submit(commands: "Commands") -> None:
    summary = "Open a case for images: their hashes are sent, never the images."
    command = add_command(commands, "submit", run.submit, summary)
    command.add_argument("files", nargs="*", metavar="FILE", help="an image, or a folder of images")
    command.add_argument(
        "--from", dest="prepared", metavar="FILE", help="send a submission prepared earlier"
    )
    command.add_argument(
        "--dry-run", action="store_true", help="print the exact JSON that would be sent"
    )
    command.add_argument(
        "--prepare", metavar="FILE", help="write the submission to a file instead of sending it"
    )
    command.add_argument(
        "--crops",
        action="store_true",
        help="also hash parts of each image: copies that were cropped are found too, and whoever "
        "gets hold of the hashes can guess more of the image; not every service takes them",
    )
    for name, question in prompts.STATEMENTS.items():
        help_text = f"answer yes to: {question}"
        command.add_argument(prompts.flag(name), action="store_true", help=help_text)
    add_server(command)
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.epilog = f"exit codes:\n{_exit_codes()}"


def _exit_codes() -> str:
    return "\n".join(f"  {code.value:<4} {meaning}" for code, meaning in MEANINGS.items())


def _add_cases(commands: "Commands") -> None:
    summary = "Show the status of a case and which platforms found copies."
    command = add_command(commands, "status", run.status, summary)
    command.add_argument("case", metavar="CASE", help="the case number, UN-XXXX-XXXX")
    add_server(command)
    summary = "Withdraw a case, or one image of it; its copies are no longer matched."
    command = add_command(commands, "withdraw", run.withdraw, summary)
    command.add_argument("case", metavar="CASE", help="the case number, UN-XXXX-XXXX")
    command.add_argument("--image", type=int, metavar="N", help="only image N, counted from 1")
    command.add_argument("--yes", action="store_true", help="do not ask before withdrawing")
    add_server(command)


def _add_audit(commands: "Commands") -> None:
    summary = "Verify the audit log of a service (for auditors); nothing is sent."
    audit = commands.add_parser("audit", help=summary, description=summary)
    subcommands = audit.add_subparsers(title="commands", metavar="COMMAND", required=True)
    summary = "Verify an export: its hash chain, its Merkle tree and its checkpoints."
    command = add_command(subcommands, "verify", run.verify_audit_log, summary)
    command.add_argument("file", metavar="FILE", help="the export, as /v1/audit/export returned it")
    command.add_argument(
        "--checkpoint",
        action="append",
        default=[],
        metavar="FILE",
        help="a checkpoint that was saved earlier; can be repeated",
    )
    command.add_argument(
        "--key", metavar="VKEY", help="the log's public key, to verify signatures with"
    )
    command.add_argument(
        "--witness",
        action="append",
        default=[],
        metavar="VKEY",
        help="a witness that must have signed one of the checkpoints; can be repeated",
    )
    summary = "Witness a service's audit log: sign its checkpoints as long as it only grows."
    command = add_command(subcommands, "witness", run.witness_audit_log, summary)
    command.add_argument("folder", metavar="FOLDER", help="for its key and its memory; keep both")
    command.add_argument(
        "--log",
        action="append",
        required=True,
        metavar="VKEY",
        help="the public key of a log, as `unseen-service audit key` prints it; can be repeated",
    )
    command.add_argument(
        "--listen",
        default="127.0.0.1:8090",
        metavar="ADDRESS:PORT",
        help="where to listen (default: %(default)s)",
    )
    command.add_argument("--name", help="the name of a new witness (default: a random one)")


def _add_completion(commands: "Commands") -> None:
    summary = "Print a shell's completion script."
    command = commands.add_parser("completion", help=summary, description=summary)
    command.add_argument("shell", choices=completion.SHELLS)
    command.set_defaults(
        run=lambda options, output: completion.complete(parser(), options.shell, output),
        json=False,
    )


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line and check what argparse cannot. Raises InputError, StdoutError."""
    options = parser().parse_args(arguments)
    if "server" in options and not getattr(options, "prepared", None):
        # A prepared submission names its own server, which overrides the environment.
        options.server = options.server or server_of_environment(options)
    if options.run is run.submit:
        _check_submit(options)
    elif "server" in options and not (options.server or getattr(options, "local", False)):
        raise _no_server()
    if getattr(options, "server", None):
        options.server = read_server(options.server, insecure=options.insecure)
    if "key_file" in options and not getattr(options, "local", False):
        options.key = read_key(options)
    return options


def _check_submit(options: argparse.Namespace) -> None:
    """Refuse options of `submit` that contradict each other, before anything is done."""
    if bool(options.files) == bool(options.prepared):
        raise InputError(
            "Name either images to submit, or --from and a prepared submission.",
            hint="unseen submit holiday.jpg, or unseen submit --from unseen-submission-….json",
        )
    if options.prepare and (options.dry_run or options.prepared):
        raise InputError(
            "--prepare cannot be combined with --dry-run or --from.", hint="Leave one out."
        )
    if options.crops and options.prepared:
        raise InputError(
            "--crops cannot be combined with --from: what was prepared is sent as it is.",
            hint="Leave it out, or prepare the images again with --crops.",
        )
    is_sent = not (options.dry_run or options.prepare or options.prepared)
    if is_sent and not options.server:
        raise _no_server()


def _no_server() -> InputError:
    return InputError(
        "No server given.", hint="Give its address with --server or in UNSEEN_SERVER."
    )
