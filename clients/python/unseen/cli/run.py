"""Run the command: every error becomes a message with a hint and an exit code, no traceback."""

import sys
import warnings
from collections.abc import Sequence

from ..errors import ServerUnreachableError, UnavailableError, UnderageError, UnseenError
from .arguments import parse
from .exits import Exit
from .output import Output, quiet_pipe


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `unseen` with the given arguments, or those of the process; return the exit code."""
    # What Pillow warns of (bombs, odd metadata) is either refused by name or of no matter.
    warnings.filterwarnings("ignore", module="PIL")
    with quiet_pipe():
        return int(_run(arguments))


def _run(arguments: Sequence[str] | None) -> Exit:
    output = Output(as_json=False)
    try:
        options = parse(arguments)
    except UnseenError as error:
        output.error(error)
        return Exit.USAGE
    output = Output(as_json=options.json)
    try:
        exit_code: Exit = options.run(options, output)
    except UnseenError as error:
        output.error(error)
        return _code(error)
    except BrokenPipeError:
        raise
    except OSError as error:
        output.error(UnseenError(f"{error.strerror}.", hint="The system refused; nothing is lost."))
        return Exit.FAILED
    except KeyboardInterrupt as error:
        output.note(f"\nunseen: interrupted\n  {error}".rstrip())
        return Exit.INTERRUPTED
    return exit_code


def _code(error: UnseenError) -> Exit:
    if isinstance(error, UnderageError):
        return Exit.UNDER_18
    passing = isinstance(error, ServerUnreachableError | UnavailableError)
    return Exit.UNREACHABLE if passing else Exit.FAILED


if __name__ == "__main__":
    sys.exit(main())
