"""The `unseen-service` command: for who runs the service."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from . import __version__, commands, guard_commands, staff_commands, upkeep_commands
from .embedded_postgres import EmbeddedPostgresError
from .errors import OperatorError, ServiceError, StoreUnavailable
from .models import Scope
from .settings import DEFAULT_DATA

_EPILOG = """\
The database is DATABASE_URL where that is set; otherwise an embedded PostgreSQL in --data.

example:
  $ unseen-service serve --data data &
  $ unseen-service keys issue Example --scope match --data data
  $ unseen-service audit verify --data data
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; exits 0 when it was done, 1 when it could not be, 2 on wrong usage."""
    given = _parser().parse_args(arguments)
    try:
        given.run(given)
        _flush()
    except StoreUnavailable as error:
        print(f"unseen-service: The database is away: {error.why}.", file=sys.stderr)
        raise SystemExit(1) from None
    except (OperatorError, ServiceError, EmbeddedPostgresError) as error:
        print(f"unseen-service: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except BrokenPipeError:
        # Who read it has had enough. Python would complain once more as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except OSError as error:
        place = f": {error.filename}" if error.filename else ""
        print(f"unseen-service: {error.strerror or error}{place}", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _flush() -> None:
    """Write what is left of the output while it can still be told that it cannot be written."""
    if sys.stdout is not None:
        sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="unseen-service",
        description="Serve Unseen: keep hashes, answer platforms, prove what was done.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"unseen-service {__version__}")
    add = parser.add_subparsers(title="commands", metavar="COMMAND", required=True).add_parser
    _add_serve(_with_data(add("serve", help="serve the API"), commands.serve))
    _with_data(add("migrate", help="bring the database up to this version"), commands.migrate)
    _add_keys(add("keys", help="issue, approve, rotate, revoke and list keys"))
    _add_audit(add("audit", help="verify, sign and export the audit log"))
    _add_benign(add("benign", help="the bank of harmless pictures, which are not taken"))
    retain = add("retain", help="erase what is of no more use now, not at the next day's run")
    _with_data(retain, upkeep_commands.retain)
    restored = add("restored", help="say that the database was set back: mirrors start again")
    _with_by(_with_data(restored, upkeep_commands.restored))
    return parser


def _with_data(parser: argparse.ArgumentParser, run: commands.Command) -> argparse.ArgumentParser:
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("UNSEEN_DATA", DEFAULT_DATA)),
        metavar="DIR",
        help="the folder of the audit key and the embedded PostgreSQL "
        "(default: UNSEEN_DATA, or ./data)",
    )
    parser.set_defaults(run=run)
    return parser


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=8000, help="port (default: %(default)s)")
    parser.add_argument(
        "--workers", type=_workers, default=1, help="processes (default: %(default)s)"
    )


def _add_keys(parser: argparse.ArgumentParser) -> None:
    add = parser.add_subparsers(title="commands", metavar="COMMAND", required=True).add_parser
    do = staff_commands
    issue = _with_by(_with_data(add("issue", help="make a key; it is shown once"), do.issue_key))
    issue.add_argument("platform", help="who it is for; added if new")
    issue.add_argument(
        "--scope",
        action="append",
        required=True,
        choices=[scope.value for scope in Scope],
        help="what it may do; give it again for each. With feed or admin it waits for 'approve'",
    )
    issue.add_argument("--note", default="", help="who asked for it, and why")
    issue.add_argument("--expires", type=do.span, metavar="SPAN", help="for example 365d")
    _with_data(add("list", help="show every key, without what is secret"), do.list_keys)
    _with_key(add("approve", help="put a waiting key in force"), do.approve_key)
    rotate = _with_key(add("rotate", help="make a key in another's place"), do.rotate_key)
    rotate.add_argument(
        "--overlap",
        type=do.span,
        default="7d",
        metavar="SPAN",
        help="how long both are in force, counted from when the new one is (default: %(default)s)",
    )
    _add_limits(add)
    _with_key(add("revoke", help="put a key out of force"), do.revoke_key)


def _add_limits(add: Callable[..., argparse.ArgumentParser]) -> None:
    limit = _with_key(add("limit", help="change what a key may ask"), guard_commands.limit_key)
    for what in ("requests", "hashes"):
        limit.add_argument(f"--{what}", type=_count, metavar="N", help=f"{what} a minute; 0: any")
    steps = limit.add_mutually_exclusive_group()
    steps.add_argument(
        "--coarse",
        action="store_true",
        default=None,
        help="tell distances in steps only: 0, 8, 16, 24, 31",
    )
    steps.add_argument("--exact", dest="coarse", action="store_false", help="tell them as they are")
    for name, told, run in (
        ("pause", "refuse a key for now", guard_commands.pause_key),
        ("resume", "end a pause", guard_commands.resume_key),
    ):
        _with_key(add(name, help=told), run).add_argument(
            "--reason", required=True, help="why, for the audit log"
        )


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise argparse.ArgumentTypeError("a whole number, 0 or more")
    return int(text)


def _port(text: str) -> int:
    return _between(text, 1, 65_535)


def _workers(text: str) -> int:
    return _between(text, 1, 999)


def _between(text: str, least: int, most: int) -> int:
    if text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most:
        return int(text)
    raise argparse.ArgumentTypeError(f"a whole number from {least} to {most}")


def _with_key(parser: argparse.ArgumentParser, run: commands.Command) -> argparse.ArgumentParser:
    parser.add_argument("key", type=staff_commands.key_id, help="its number, see 'keys list'")
    return _with_by(_with_data(parser, run))


def _with_by(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument(
        "--by", metavar="NAME", help="who you are, for the audit log (default: your account)"
    )
    return parser


def _add_audit(parser: argparse.ArgumentParser) -> None:
    add = parser.add_subparsers(title="commands", metavar="COMMAND", required=True).add_parser
    do = staff_commands
    verify = add("verify", help="walk the log: its chain, its tree, its kept checkpoint")
    _with_by(_with_data(verify, do.verify_audit)).add_argument(
        "--checkpoint",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="a checkpoint that somebody kept; may be given again",
    )
    _with_data(add("key", help="print the public key of the checkpoints"), do.show_audit_key)
    _with_data(add("checkpoint", help="sign the log as it is"), do.show_checkpoint)
    export = add("export", help="write the whole log, for 'unseen audit verify FILE'")
    _with_by(_with_data(export, do.export_audit)).add_argument(
        "--reason", required=True, help="why, for the audit log"
    )


def _add_benign(parser: argparse.ArgumentParser) -> None:
    group = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add = group.add_parser(
        "add",
        help="add hashes, of images by way of the client",
        epilog="example:\n  $ unseen hash --json logos/ | unseen-service benign add -",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _with_by(_with_data(add, guard_commands.add_benign)).add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="hashes in hex, one a line, or what 'unseen hash --json' prints; - is standard input",
    )
    add.add_argument("--hash", action="append", default=[], metavar="HEX", help="one hash")
    add.add_argument("--note", default="", help="what they are of, for 'benign list'")
    _with_data(group.add_parser("list", help="show the bank"), guard_commands.list_benign)
    remove = group.add_parser("remove", help="take hashes out")
    _with_by(_with_data(remove, guard_commands.remove_benign)).add_argument(
        "ids", nargs="+", type=int, metavar="ID", help="as 'benign list' shows"
    )


if __name__ == "__main__":
    main()
