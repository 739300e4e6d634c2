"""All printing of the command: results to stdout, everything else to stderr.

Names and messages from outside are stripped of control characters, so that neither a file's
name nor a server can write to the terminal's state.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from ..errors import ServiceError, UnseenError

Item = TypeVar("Item")

_BAR_WIDTH: Final = 24


class Output:
    """Where a command prints; with `as_json`, stdout holds one JSON document and nothing else."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def line(self, text: str = "") -> None:
        """Print a line of the result for a person; nothing under --json."""
        if not self.as_json:
            print(clean(text), flush=True)

    def document(self, document: Any) -> None:
        """Print the result for a script; nothing without --json."""
        if self.as_json:
            self.json(document)

    def json(self, document: Any) -> None:
        """Print JSON, whatever the mode."""
        print(json.dumps(document, indent=2, ensure_ascii=True), flush=True)

    def event(self, document: Any) -> None:
        """Print one of many results for a script, on a line of its own; nothing without --json."""
        if self.as_json:
            print(json.dumps(document, ensure_ascii=True), flush=True)

    def passing(self, text: str) -> None:
        """Show on a terminal what is being done, in the place of the last such line."""
        if sys.stderr.isatty():
            print(f"\r{clean(text)}\x1b[K", end="", file=sys.stderr, flush=True)

    def raw(self, text: str) -> None:
        """Print text of our own making as it is."""
        print(text, flush=True)

    def note(self, text: str = "") -> None:
        """Tell the person something that is no part of the result."""
        print(clean(text), file=sys.stderr, flush=True)

    def error(self, error: UnseenError) -> None:
        """Say what went wrong, where, and what to do."""
        kind = type(error).__name__.removesuffix("Error")
        self.document({"kind": kind, "error": str(error), "hint": error.hint})
        self.note(f"unseen: {error}")
        if isinstance(error, ServiceError):
            for field in error.errors:
                self.note(f"  at {field.at}: {field.detail}")
            if error.retry_after:
                self.note(f"  The server asks to wait {error.retry_after:.0f} seconds.")
        if error.hint:
            self.note(f"  {error.hint}")

    def progress(self, items: Iterable[Item], total: int, doing: str) -> Iterator[Item]:
        """Yield the items as they come; on a terminal, with more than one, show how far it is."""
        shown = total > 1 and sys.stderr.isatty()
        if shown:
            _draw(doing, 0, total)
        for done, item in enumerate(items, start=1):
            if shown:
                _draw(doing, done, total)
            yield item
        if shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


@contextmanager
def quiet_pipe() -> Iterator[None]:
    """End without a traceback when the reader of a pipe has gone (`unseen hash … | head`)."""
    try:
        try:
            yield
        finally:
            if sys.stdout:  # none where it was closed from the start
                sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more as it ends, and would exit with 120.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def clean(text: str) -> str:
    """Replace control characters, so that text from outside cannot steer the terminal."""
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text)


def _draw(doing: str, done: int, total: int) -> None:
    filled = _BAR_WIDTH * done // total
    bar = "#" * filled + "." * (_BAR_WIDTH - filled)
    print(f"\r{doing} [{bar}] {done}/{total}\x1b[K", end="", file=sys.stderr, flush=True)
