"""Run the command: every error becomes a message, a hint and an exit code, never a traceback."""

import sys
import warnings
from collections.abc import Sequence

from ..errors import ServerUnreachableError, UnavailableError, UnderageError, UnseenError
from .arguments import parse
from .exit_codes import Exit
from .output import Output
from .streams import StdoutError, open_streams, write_message


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `unseen` with the given arguments, or those of the process; return the exit code."""
    # Pillow warns of decompression bombs and odd metadata; what matters of it becomes an error.
    warnings.filterwarnings("ignore", module="PIL")
    try:
        open_streams()
        return int(_run(arguments))
    except StdoutError as error:
        if error.is_unread:  # the reader has seen enough
            return int(Exit.DONE)
        write_message(f"unseen: {error}\n")
        return int(Exit.FAILED)


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
        return _exit_code(error)
    except OSError as error:
        output.error(UnseenError(f"{error.strerror or error}.", hint="The system reported this."))
        return Exit.FAILED
    except KeyboardInterrupt as error:
        output.note()
        output.note("unseen: interrupted")
        for line in str(error).splitlines():
            output.note(f"  {line.removeprefix('  ')}")
        return Exit.INTERRUPTED
    return exit_code


def _exit_code(error: UnseenError) -> Exit:
    if isinstance(error, UnderageError):
        return Exit.UNDER_18
    is_temporary = isinstance(error, ServerUnreachableError | UnavailableError)
    return Exit.UNREACHABLE if is_temporary else Exit.FAILED


if __name__ == "__main__":
    sys.exit(main())
