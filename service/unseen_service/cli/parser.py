"""The commands of `unseen-service` and their options; the modules beside this one run them."""

import argparse
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

from .. import __version__
from ..models.keys import Scope
from ..settings import DEFAULT_DATA
from . import audit, benign, encrypt, keys, maintenance, serve
from .argument_types import int_between, key_id, span
from .output import notice

Command: TypeAlias = Callable[[argparse.Namespace], None]
AddParser: TypeAlias = Callable[..., argparse.ArgumentParser]

_EPILOG = """\
The database is DATABASE_URL if that is set; otherwise an embedded PostgreSQL in --data.

example:
  $ unseen-service serve --data data &
  $ unseen-service keys issue Example --scope match --data data
  $ unseen-service audit verify --data data
"""


class _Parser(argparse.ArgumentParser):
    def _print_message(self, message: str, file: Any = None) -> None:
        """Print help to stdout, or usage to stderr; argparse itself ignores a full disk."""
        if file is sys.stdout:
            sys.stdout.write(message)
        elif message:
            notice(message.rstrip("\n"))


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command; what it parses has `run`, the function to call."""
    parser = _Parser(
        prog="unseen-service",
        description="Serve Unseen: store hashes, answer platforms, prove what was done.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"unseen-service {__version__}",
        help="show the version and exit",
    )
    add = _subcommands(parser)
    _add_serve(_with_data(add("serve", help="serve the API"), serve.serve))
    _with_data(add("migrate", help="migrate the database to this version"), encrypt.migrate)
    _add_encrypt(add("encrypt", help="encrypt the hashes in the database, or replace the key"))
    _add_keys(add("keys", help="issue, approve, rotate, revoke and list keys"))
    _add_audit(add("audit", help="verify, sign and export the audit log"))
    _add_benign(add("benign", help="manage the bank of known-benign images, which are rejected"))
    retain = add("retain", help="run the daily clean-up now")
    _with_data(retain, maintenance.retain)
    restored = add("restored", help="give the change log a new ID after a restore; mirrors restart")
    _with_by(_with_data(restored, maintenance.restored))
    return parser


def _subcommands(parser: argparse.ArgumentParser) -> AddParser:
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, help: str, **options: Any) -> argparse.ArgumentParser:  # noqa: A002
        return commands.add_parser(
            name, help=help, description=f"{help[0].upper()}{help[1:]}.", **options
        )

    return add


def _with_data(parser: argparse.ArgumentParser, run: Command) -> argparse.ArgumentParser:
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("UNSEEN_DATA", DEFAULT_DATA)),
        metavar="DIR",
        help="folder of the audit key and the embedded PostgreSQL "
        "(default: UNSEEN_DATA, or ./data)",
    )
    parser.set_defaults(run=run)
    return parser


def _with_by(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument(
        "--by", metavar="NAME", help="your name, for the audit log (default: your account)"
    )
    return parser


def _with_reason(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--reason", required=True, help="why, for the audit log")
    return parser


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address (default: %(default)s)")
    parser.add_argument(
        "--port", type=int_between(1, 65_535), default=8000, help="port (default: %(default)s)"
    )
    parser.add_argument(
        "--operator-address",
        metavar="HOST:PORT",
        help="where /metrics and the details of /readyz are served, or off "
        "(default: UNSEEN_OPERATOR_ADDRESS, or the port above --port by 1000, on 127.0.0.1)",
    )
    parser.add_argument(
        "--workers", type=int_between(1, 999), default=1, help="processes (default: %(default)s)"
    )


def _add_encrypt(parser: argparse.ArgumentParser) -> None:
    _with_by(_with_data(parser, encrypt.encrypt))
    parser.add_argument("--new-key", action="store_true", help="make another key, and use that")
    parser.add_argument(
        "--prepare",
        action="store_true",
        help="only make the key, to copy it to other hosts before it is used",
    )
    parser.add_argument(
        "--older-workers-stopped",
        action="store_true",
        help="go on although sessions without a name of ours are connected",
    )


def _add_keys(parser: argparse.ArgumentParser) -> None:
    add = _subcommands(parser)
    _add_bootstrap(add)
    _add_issue(add)
    _with_data(add("list", help="list every key, without its secret"), keys.list_keys)
    approve = _with_key(add("approve", help="activate a pending key, as an admin"), keys.approve)
    _with_admin_key(approve)
    rotate = _with_key(add("rotate", help="issue a key that replaces another"), keys.rotate)
    _with_digest(_with_admin_key(rotate))
    rotate.add_argument(
        "--overlap",
        type=span,
        default=timedelta(days=7),
        metavar="SPAN",
        help="how long both keys work, counted from when the new one is active (default: 7d)",
    )
    _add_limit(add)
    _with_reason(_with_key(add("pause", help="refuse a key for now"), keys.pause))
    _with_reason(_with_key(add("resume", help="end a pause"), keys.resume))
    _with_key(add("revoke", help="revoke a key for good"), keys.revoke)


def _add_issue(add: AddParser) -> None:
    issue = _with_by(_with_data(add("issue", help="issue a key; it is shown once"), keys.issue))
    issue.add_argument("platform", help="the platform it is for; added if new")
    issue.add_argument(
        "--scope",
        action="append",
        required=True,
        choices=[scope.value for scope in Scope],
        help="what it may do; repeat for several. feed, submit, audit and admin need --digest, "
        "--key-file, and another admin's approval",
    )
    _with_digest(_with_admin_key(issue))
    issue.add_argument("--note", default="", help="who asked for it, and why")
    issue.add_argument("--expires", type=span, metavar="SPAN", help="for example 365d")


def _add_bootstrap(add: AddParser) -> None:
    bootstrap = add("bootstrap", help="register the keys of the first two admins")
    _with_by(_with_data(bootstrap, keys.bootstrap)).add_argument(
        "--admin",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "DIGEST"),
        help="an admin, and what 'unseen key new' printed to them; give it twice",
    )


def _with_admin_key(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        help="act as the admin whose key this file holds; - reads it from standard input",
    )
    return parser


def _with_digest(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument(
        "--digest",
        metavar="DIGEST",
        help="of a key that its holder made with 'unseen key new', so that nobody else knows it",
    )
    return parser


def _add_limit(add: AddParser) -> None:
    limit = _with_key(add("limit", help="change a key's limits"), keys.limit)
    count = int_between(0, 10**9)
    for what in ("requests", "hashes"):
        limit.add_argument(
            f"--{what}", type=count, metavar="N", help=f"{what} per minute; 0: no limit"
        )
    steps = limit.add_mutually_exclusive_group()
    steps.add_argument(
        "--coarse",
        action="store_true",
        default=None,
        help="round distances up to 0, 8, 16, 24 or 31, as for every new key",
    )
    steps.add_argument("--exact", dest="coarse", action="store_false", help="exact distances")


def _with_key(parser: argparse.ArgumentParser, run: Command) -> argparse.ArgumentParser:
    parser.add_argument("key", type=key_id, help="its number, see 'keys list'")
    return _with_by(_with_data(parser, run))


def _add_audit(parser: argparse.ArgumentParser) -> None:
    add = _subcommands(parser)
    verify = add(
        "verify", help="verify the log, its checkpoints, and that it explains the database"
    )
    _with_by(_with_data(verify, audit.verify)).add_argument(
        "--checkpoint",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="a checkpoint that somebody kept; repeat for several",
    )
    _with_data(add("key", help="print the public key of the checkpoints"), audit.show_key)
    new_key = add("new-key", help="replace the key that signs checkpoints; the log records it")
    _with_reason(_with_by(_with_data(new_key, audit.new_key)))
    accept = add("accept", help="accept the log as it is, after a restore or a lost checkpoint")
    _with_reason(_with_by(_with_data(accept, audit.accept)))
    _with_data(add("checkpoint", help="sign the log as it is now"), audit.show_checkpoint)
    export = add("export", help="write the whole log, for 'unseen audit verify FILE'")
    _with_reason(_with_by(_with_data(export, audit.export)))


def _add_benign(parser: argparse.ArgumentParser) -> None:
    add = _subcommands(parser)
    add_hashes = add(
        "add",
        help="add hashes; the client hashes the images",
        epilog="example:\n  $ unseen hash --json logos/ | unseen-service benign add -",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _with_by(_with_data(add_hashes, benign.add)).add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="hashes in hex, one per line, or the output of 'unseen hash --json'; "
        "- is standard input",
    )
    add_hashes.add_argument("--hash", action="append", default=[], metavar="HEX", help="one hash")
    add_hashes.add_argument("--note", default="", help="what they show, for 'benign list'")
    _with_data(add("list", help="list the bank"), benign.list_hashes)
    remove = add("remove", help="remove hashes")
    _with_by(_with_data(remove, benign.remove)).add_argument(
        "ids", nargs="+", type=int, metavar="ID", help="as 'benign list' shows"
    )
