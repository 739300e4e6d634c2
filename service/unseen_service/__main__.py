"""Entry point of the `unseen-service` command."""

import sys
from collections.abc import Sequence

from .cli import output
from .cli.parser import make_parser
from .embedded_postgres import EmbeddedPostgresError
from .errors import OperatorError, ServiceError, StoreUnavailable


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 on success, 1 on failure, 2 on wrong usage, 130 on Ctrl-C."""
    try:
        status = _run(arguments)
        output.flush()
    except BrokenPipeError:
        output.discard()  # whoever read it has seen enough
        status = 1
    except OSError as error:
        output.discard()
        file = f": {error.filename}" if error.filename else ""
        status = _failed(f"{error.strerror or error}{file}")
    raise SystemExit(status)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        args = make_parser().parse_args(arguments)
        args.run(args)
    except SystemExit as end:  # argparse's after --help, or the supervisor's
        return end.code if isinstance(end.code, int) else _failed(str(end.code))
    except StoreUnavailable as error:
        return _failed(f"The database is unavailable: {error.detail}.")
    except (OperatorError, ServiceError, EmbeddedPostgresError) as error:
        return _failed(str(error))
    except KeyboardInterrupt:
        return 130
    return 0


def _failed(why: str) -> int:
    print(f"unseen-service: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    main()
