"""The two codes that a person keeps: the PIN, which this device makes, and the case number.

Both are Crockford base32 (crockford.com/base32.html), which avoids I, L, O and U and reads O as 0,
and I and L as 1.
"""

import secrets
from typing import Final

from .errors import InputError

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_NORMALISED: Final = str.maketrans("OIL", "011", " -")
_PIN_LENGTH: Final = 12
_CASE_LENGTH: Final = 8


def make_pin() -> str:
    """Return a new PIN, XXXX-XXXX-XXXX: 12 random characters, 60 bits."""
    return _group("".join(secrets.choice(_ALPHABET) for _ in range(_PIN_LENGTH)))


def read_pin(text: str) -> str:
    """Normalise a PIN that a person typed. Raises InputError, whose text does not contain it."""
    code = _normalise(text)
    if not _is_code(code, _PIN_LENGTH):
        raise InputError(
            "The PIN has the wrong format.",
            hint="A PIN has 12 letters and digits, like 7K4M-9QTX-2HBD.",
        )
    return _group(code)


def read_case(text: str) -> str:
    """Normalise a case number that a person typed to UN-XXXX-XXXX. Raises InputError."""
    code = _normalise(text).removeprefix("UN")
    if not _is_code(code, _CASE_LENGTH):
        raise InputError(
            "The case number has the wrong format.",
            hint="A case number looks like UN-7K4M-9QTX.",
        )
    return "UN-" + _group(code)


def _normalise(text: str) -> str:
    return text.strip().upper().translate(_NORMALISED)


def _is_code(text: str, length: int) -> bool:
    return len(text) == length and all(character in _ALPHABET for character in text)


def _group(code: str) -> str:
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))
