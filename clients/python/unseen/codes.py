"""The codes a person keeps: the PIN, made here on the device, and the case number.

Both are Crockford base32 (crockford.com/base32.html), which has no I, L, O or U and reads those
that are easily mistaken for what was meant.
"""

import secrets
from typing import Final

from .errors import InputError

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MEANT: Final = str.maketrans("OIL", "011", " -")
_PIN_LENGTH: Final = 12
_CASE_LENGTH: Final = 8


def make_pin() -> str:
    """Make a PIN, XXXX-XXXX-XXXX: 12 random characters, 60 bits."""
    return _grouped("".join(secrets.choice(_ALPHABET) for _ in range(_PIN_LENGTH)))


def read_pin(text: str) -> str:
    """Read a PIN as a person may write it. Raises InputError, which does not repeat it."""
    code = _plain(text)
    if not _is_code(code, _PIN_LENGTH):
        raise InputError(
            "The PIN is not of the right form.",
            hint="A PIN has 12 letters and digits, like 7K4M-9QTX-2HBD.",
        )
    return _grouped(code)


def read_case(text: str) -> str:
    """Read a case number as a person may write it, into UN-XXXX-XXXX. Raises InputError."""
    code = _plain(text).removeprefix("UN")
    if not _is_code(code, _CASE_LENGTH):
        raise InputError(
            "The case number is not of the right form.",
            hint="A case number looks like UN-7K4M-9QTX.",
        )
    return "UN-" + _grouped(code)


def _plain(text: str) -> str:
    return text.strip().upper().translate(_MEANT)


def _is_code(text: str, length: int) -> bool:
    return len(text) == length and all(character in _ALPHABET for character in text)


def _grouped(code: str) -> str:
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))
