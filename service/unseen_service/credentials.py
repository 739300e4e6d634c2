"""Case numbers and PINs: Crockford's base32, easy to read out, hard to guess.

A case number is 40 random bits, a PIN 60. A guess at a PIN's scrypt digest costs about 30 ms
and 16 MiB, so that anyone who stole the database would need, on a thousand cores, some
500,000 years to try half of the PINs of one case.
"""

import hashlib
import hmac
import re
import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

_PIN = re.compile(rf"[{ALPHABET}]{{12}}\Z")
_NUMBER = re.compile(rf"UN[{ALPHABET}]{{8}}\Z")
_ALIKE = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


def new_case_number() -> str:
    """Draw a case number, as `UN-7K4M-9QTX`."""
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(8))
    return f"UN-{drawn[:4]}-{drawn[4:]}"


def read_case_number(text: str) -> str | None:
    """Parse a case number as a person may write it. Return None if it cannot be one."""
    plain = text.upper().translate(_ALIKE)
    return f"UN-{plain[2:6]}-{plain[6:]}" if _NUMBER.match(plain) else None


def read_pin(text: str) -> str | None:
    """Parse a PIN as a person may write it. Return its 12 characters, None if it is no PIN."""
    plain = text.upper().translate(_ALIKE)
    return plain if _PIN.match(plain) else None


def new_salt() -> bytes:
    """Draw the salt of one PIN's digest."""
    return secrets.token_bytes(16)


def pin_digest(pin: str, salt: bytes) -> bytes:
    """Return what is stored of a PIN (as returned by `read_pin`): 32 bytes of scrypt."""
    return hashlib.scrypt(pin.encode(), salt=salt, n=1 << 14, r=8, p=1, dklen=32)


def same(one: bytes, other: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(one, other)


def new_key() -> str:
    """Draw a platform's key: 256 random bits behind a name that leak scanners can find."""
    return f"unseen_{secrets.token_urlsafe(32)}"


def key_digest(key: str) -> bytes:
    """Return what is stored of a key: SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(key.encode()).digest()
