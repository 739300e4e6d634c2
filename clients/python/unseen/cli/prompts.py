"""What the command asks the person: the PIN, and the three statements."""

import argparse
import getpass
import os
import sys
from typing import Final

from ..codes import read_pin
from ..errors import InputError

STATEMENTS: Final = {
    "adult": "Was everyone shown 18 or older when the images were made?",
    "depicted": "Are you the person shown in them?",
    "without_consent": "Were they shared, or may they be, without your consent?",
}
"""What a submitter states, keyed by its name in the API."""


def pin() -> str:
    """Return the PIN from UNSEEN_PIN, or prompt for it without echo. Raises InputError."""
    if from_environment := os.environ.get("UNSEEN_PIN"):
        return read_pin(from_environment)
    if not _has_terminal():
        raise InputError(
            "The PIN is needed, and there is no terminal to ask for it.",
            hint="Set the environment variable UNSEEN_PIN. There is no option for the PIN.",
        )
    return read_pin(getpass.getpass("PIN (not shown while you type): "))


def statements(options: argparse.Namespace) -> dict[str, bool]:
    """Return each statement, from its flag or by asking; stop at the first `no`."""
    answers = {name: bool(getattr(options, name)) for name in STATEMENTS}
    for name, question in STATEMENTS.items():
        if not answers[name]:
            answers[name] = _ask(question, "--" + name.replace("_", "-"))
            if not answers[name]:
                break
    return answers


def _ask(question: str, flag: str) -> bool:
    """Return whether the answer to a question is `y` or `yes`."""
    if not _has_terminal():
        raise InputError(
            "The three statements must be confirmed, and there is no terminal to ask.",
            hint=f"If the answer is yes, give {flag}: {question}",
        )
    # Not by write_message: an answer to a question that was not shown must not count.
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _has_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()
