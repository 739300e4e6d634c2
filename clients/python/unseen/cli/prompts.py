"""What the command asks the person: the PIN, the three statements, whether to withdraw."""

import argparse
import contextlib
import getpass
import os
import sys
from collections.abc import Iterator
from typing import Final

from ..codes import read_pin
from ..errors import InputError
from . import core_dumps
from .environment import naming

STATEMENTS: Final = {
    "adult": "Was everyone shown 18 or older when the images were made?",
    "depicted": "Are you the person shown in them?",
    "without_consent": "Were they shared, or may they be, without your consent?",
}
"""What a submitter states, keyed by its name in the API."""


def pin() -> str:
    """Return the PIN from UNSEEN_PIN, or prompt for it without echo. Raises InputError."""
    core_dumps.forbid()
    if from_environment := os.environ.get("UNSEEN_PIN"):
        with naming("UNSEEN_PIN"):
            return read_pin(from_environment)
    if not _has_terminal():
        raise InputError(
            "The PIN is needed, and there is no terminal to ask for it.",
            hint="Set the environment variable UNSEEN_PIN. There is no option for the PIN.",
        )
    with _nothing_sent_if_interrupted():
        return read_pin(_ask_for_pin())


def statements(options: argparse.Namespace) -> dict[str, bool]:
    """Return each statement, from its flag or by asking; stop at the first `no`.

    Raises InputError if there is no terminal to ask, KeyboardInterrupt at Ctrl-C or Ctrl-D.
    """
    answers = {name: bool(getattr(options, name)) for name in STATEMENTS}
    missing = [name for name, answer in answers.items() if not answer]
    if missing and not _has_terminal():
        raise _not_confirmed(missing)
    for name in missing:
        answers[name] = _ask(STATEMENTS[name])
        if not answers[name]:
            break
    return answers


def require_terminal_to_withdraw() -> None:
    """Raise InputError if nobody can be asked whether to withdraw."""
    if not _has_terminal():
        raise InputError(
            "A withdrawal cannot be undone, and there is no terminal to ask whether you are sure.",
            hint="If you are sure, give --yes.",
        )


def confirm_withdrawal(image: int | None) -> bool:
    """Return whether the person is sure about withdrawing an image, or the case if it is None.

    Raises KeyboardInterrupt at Ctrl-C or Ctrl-D.
    """
    what, copies = (
        ("the whole case", "Copies") if image is None else (f"image {image}", "Its copies")
    )
    return _ask(f"Withdraw {what}? {copies} will no longer be found. This cannot be undone.")


def flag(name: str) -> str:
    """Return the option that confirms a statement."""
    return "--" + name.replace("_", "-")


def _not_confirmed(missing: list[str]) -> InputError:
    options = "".join(f"\n  {flag(name):<18} {STATEMENTS[name]}" for name in missing)
    return InputError(
        "The three statements must be confirmed, and there is no terminal to ask.",
        hint=f"If every answer is yes, give:{options}",
    )


def _ask_for_pin() -> str:
    try:
        return getpass.getpass("PIN (not shown while you type): ")
    except UnicodeDecodeError:  # a key that the terminal's character set does not have
        return ""


def _ask(question: str) -> bool:
    """Return whether the answer to a question is `y` or `yes`."""
    with _nothing_sent_if_interrupted():
        # Not by write_message: an answer to a question that was not shown must not count.
        print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline()
        if not answer:
            # The end of the input is not a "no", which would be answered with other services.
            raise EOFError
    return answer.strip().lower() in ("y", "yes")


@contextlib.contextmanager
def _nothing_sent_if_interrupted() -> Iterator[None]:
    """Turn Ctrl-D at a prompt into KeyboardInterrupt, as of Ctrl-C; both say what happened."""
    try:
        yield
    except (EOFError, KeyboardInterrupt) as error:
        raise KeyboardInterrupt("Nothing was sent.") from error


def _has_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()
