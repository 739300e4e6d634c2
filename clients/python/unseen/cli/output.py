"""What the command prints: results to stdout, everything else to stderr.

Control characters and line breaks in names and messages from outside are replaced, so that neither
a file name nor a server can change the terminal's state or add a line of its own.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from ..answers import one_line
from ..errors import ServiceError, UnseenError
from .streams import StdoutError, write_message, write_result

Item = TypeVar("Item")

_BAR_WIDTH: Final = 24
_CLEAR_LINE: Final = "\x1b[K"


class Output:
    """Where a command prints; with `as_json`, stdout holds one JSON document and nothing else.

    Every method that prints a result raises StdoutError if it cannot be written.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def line(self, text: str = "") -> None:
        """Print a line of the result for a person; nothing with --json."""
        if not self.as_json:
            write_result(clean(text) + "\n")

    def document(self, document: Any) -> None:
        """Print the result for a script; nothing without --json."""
        if self.as_json:
            self.json(document)

    def json(self, document: Any) -> None:
        """Print JSON, with or without --json."""
        write_result(json.dumps(document, indent=2, ensure_ascii=True) + "\n")

    def event(self, document: Any) -> None:
        """Print one of many results for a script, on its own line; nothing without --json."""
        if self.as_json:
            write_result(json.dumps(document, ensure_ascii=True) + "\n")

    def raw(self, text: str) -> None:
        """Print trusted text without replacing control characters."""
        write_result(text + "\n")

    @contextmanager
    def after(self, done: str) -> Iterator[None]:
        """Print what was done, if the result of it cannot be printed in the block."""
        try:
            yield
        except StdoutError:
            self.note(f"unseen: {done}")
            raise

    def transient(self, text: str) -> None:
        """Show the current activity on a terminal, in place of the previous such line."""
        if sys.stderr.isatty():
            write_message(f"\r{clean(text)}{_CLEAR_LINE}")

    def note(self, text: str = "") -> None:
        """Print a message of one line that is not part of the result."""
        write_message(clean(text) + "\n")

    def error(self, error: UnseenError) -> None:
        """Print what went wrong, where, and what to do."""
        kind = type(error).__name__.removesuffix("Error")
        self.document({"kind": kind, "error": str(error), "hint": error.hint})
        self.note(f"unseen: {error}")
        if isinstance(error, ServiceError):
            for field in error.errors:
                self.note(f"  at {field.at}: {field.detail}")
            if error.retry_after:
                self.note(f"  Try again after {error.retry_after:.0f} seconds.")
        for line in error.hint.splitlines():  # a hint is this program's, and may have several
            self.note(f"  {line.removeprefix('  ')}")

    def progress(self, items: Iterable[Item], total: int, activity: str) -> Iterator[Item]:
        """Yield the items; on a terminal, with more than one, draw a progress bar."""
        shown = total > 1 and sys.stderr.isatty()
        if shown:
            _draw(activity, 0, total)
        for done, item in enumerate(items, start=1):
            if shown:
                _draw(activity, done, total)
            yield item
        if shown:
            write_message(f"\r{_CLEAR_LINE}")


def clean(text: str) -> str:
    """Replace control characters, so that text from outside cannot steer the terminal."""
    return one_line(text, None)


def _draw(activity: str, done: int, total: int) -> None:
    filled = _BAR_WIDTH * done // total
    bar = "#" * filled + "." * (_BAR_WIDTH - filled)
    write_message(f"\r{activity} [{bar}] {done}/{total}{_CLEAR_LINE}")
