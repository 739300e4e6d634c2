"""Types of command-line arguments, for argparse's `type`; each raises ArgumentTypeError."""

import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import timedelta

_SPAN = re.compile(r"([0-9]{1,6})([smhd])\Z")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def span(text: str) -> timedelta:
    """Parse a time span such as `30m`, `12h` or `7d`."""
    found = _SPAN.match(text)
    if found is None:
        raise ArgumentTypeError("a time span is a number and s, m, h or d, for example 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def key_id(text: str) -> int:
    """Parse a key's number. Anything else may be the key itself, so it is not repeated."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ArgumentTypeError("give the key's number, as 'keys list' shows it")
    return int(text)


def int_between(least: int, most: int) -> Callable[[str], int]:
    """Return a type for whole numbers from `least` to `most`, inclusive."""

    def parse(text: str) -> int:
        if text.isascii() and text.isdigit() and len(text) < 12 and least <= int(text) <= most:
            return int(text)
        raise ArgumentTypeError(f"must be a whole number from {least} to {most}")

    return parse
