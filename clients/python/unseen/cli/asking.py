"""What is asked of the person: the PIN, and the three statements."""

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
"""What a submitter states, by its name on the wire."""


def pin() -> str:
    """Take the PIN from UNSEEN_PIN, or ask for it without showing it. Raises InputError."""
    if given := os.environ.get("UNSEEN_PIN"):
        return read_pin(given)
    if not sys.stdin.isatty():
        raise InputError(
            "The PIN is needed, and there is no terminal to ask for it.",
            hint="Put it in the environment variable UNSEEN_PIN. It is never taken as an argument.",
        )
    return read_pin(getpass.getpass("PIN (not shown while you type): "))


def statements(options: argparse.Namespace) -> dict[str, bool]:
    """Take each statement from its flag, or ask; the first `no` ends the asking."""
    given = {name: bool(getattr(options, name)) for name in STATEMENTS}
    for name, question in STATEMENTS.items():
        if not given[name]:
            given[name] = _yes(question, "--" + name.replace("_", "-"))
            if not given[name]:
                break
    return given


def _yes(question: str, flag: str) -> bool:
    """Ask a question that only `y` or `yes` answers with yes."""
    if not sys.stdin.isatty():
        raise InputError(
            "The three statements must be confirmed, and there is no terminal to ask.",
            hint=f"If the answer is yes, give {flag}: {question}",
        )
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
