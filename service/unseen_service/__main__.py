"""The `unseen-service` command: for who runs the service."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from . import __version__, commands
from .embedded_postgres import EmbeddedPostgresError
from .errors import OperatorError, ServiceError
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
    except (OperatorError, ServiceError, EmbeddedPostgresError) as error:
        print(f"unseen-service: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


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
    _add_keys(add("keys", help="issue, list and revoke the keys of platforms"))
    _add_audit(add("audit", help="verify the audit log"))
    return parser


def _with_data(parser: argparse.ArgumentParser, run: commands.Command) -> argparse.ArgumentParser:
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("UNSEEN_DATA", DEFAULT_DATA)),
        metavar="DIR",
        help="where the embedded PostgreSQL keeps its data (default: UNSEEN_DATA, or ./data)",
    )
    parser.set_defaults(run=run)
    return parser


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="processes (default: %(default)s)")


def _add_keys(parser: argparse.ArgumentParser) -> None:
    add = parser.add_subparsers(title="commands", metavar="COMMAND", required=True).add_parser
    issue = _with_data(add("issue", help="make a key; it is shown once"), commands.issue_key)
    issue.add_argument("platform", help="who it is for; added if new")
    issue.add_argument(
        "--scope",
        action="append",
        required=True,
        choices=[scope.value for scope in Scope],
        help="what it may do; give it again for each",
    )
    _with_data(add("list", help="show every key, without what is secret"), commands.list_keys)
    revoke = _with_data(add("revoke", help="put a key out of force"), commands.revoke_key)
    revoke.add_argument("key", type=int, help="its number, as 'keys list' shows it")


def _add_audit(parser: argparse.ArgumentParser) -> None:
    add = parser.add_subparsers(title="commands", metavar="COMMAND", required=True).add_parser
    _with_data(add("verify", help="walk the log's hash chain"), commands.verify_audit)


if __name__ == "__main__":
    main()
