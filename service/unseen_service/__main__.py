"""Entry point of the `unseen-service` command."""

import sys
from collections.abc import Sequence

from .cli import output
from .cli.parser import make_parser
from .embedded_postgres import EmbeddedPostgresError
from .errors import HashesUnreadable, OperatorError, ServiceError, StoreUnavailable
from .runtime.isolation import isolate_process


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Return 0 on success, 1 on failure, 2 on wrong usage, 130 on Ctrl-C."""
    isolate_process()
    output.open_streams()
    try:
        status = _run(arguments)
        output.flush()
    except BrokenPipeError:
        status = 1  # whatever read the output has seen enough
    except OSError as error:
        file = f": {error.filename}" if error.filename else ""
        status = _failed(f"{error.strerror or error}{file}")
    output.close_streams()
    return status


def _run(arguments: Sequence[str] | None) -> int:
    try:
        args = make_parser().parse_args(arguments)
        args.run(args)
    except SystemExit as end:  # argparse's after --help, or the supervisor's
        return _failed(end.code) if isinstance(end.code, str) else end.code or 0
    except HashesUnreadable as error:
        return _failed(error.why)
    except StoreUnavailable as error:
        return _failed(f"The database is unavailable: {error.why}.")
    except (OperatorError, ServiceError, EmbeddedPostgresError) as error:
        return _failed(str(error))
    except KeyboardInterrupt:
        return 130
    return 0


def _failed(why: str) -> int:
    output.notice(f"unseen-service: {why}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
