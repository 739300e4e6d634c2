"""Case numbers, PINs and keys, and what is stored of them.

Case numbers and PINs are in Crockford's base32, which is easy to read out. A case number has 40
random bits, a PIN 60. To check a PIN against its scrypt digest costs about 30 ms and 16 MiB, so
even an attacker with a copy of the database and a thousand cores would need some 500,000 years to
try half of the PINs of one case.
"""

import hashlib
import hmac
import re
import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

_PIN = re.compile(rf"[{ALPHABET}]{{12}}\Z")
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})\Z")
_NUMBER = re.compile(rf"UN[{ALPHABET}]{{8}}\Z")
_NORMALISATION = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


def new_case_number() -> str:
    """Generate a case number, such as `UN-7K4M-9QTX`."""
    characters = "".join(secrets.choice(ALPHABET) for _ in range(8))
    return f"UN-{characters[:4]}-{characters[4:]}"


def read_case_number(text: str) -> str | None:
    """Parse a case number as a person may type it. Return its usual form, or None if invalid."""
    normalised = text.upper().translate(_NORMALISATION)
    return f"UN-{normalised[2:6]}-{normalised[6:]}" if _NUMBER.match(normalised) else None


def read_pin(text: str) -> str | None:
    """Parse a PIN as a person may type it. Return its 12 characters, or None if invalid."""
    normalised = text.upper().translate(_NORMALISATION)
    return normalised if _PIN.match(normalised) else None


def new_salt() -> bytes:
    """Generate a salt (16 bytes) for one PIN's digest."""
    return secrets.token_bytes(16)


def pin_digest(pin: str, salt: bytes) -> bytes:
    """Return the scrypt digest (32 bytes) of a PIN, as `read_pin` returned it."""
    return hashlib.scrypt(pin.encode(), salt=salt, n=1 << 14, r=8, p=1, dklen=32)


def constant_time_equal(one: bytes, other: bytes) -> bool:
    """Return whether two digests are equal; the time that takes reveals nothing about them."""
    return hmac.compare_digest(one, other)


def new_key() -> str:
    """Generate a key: 256 random bits after a prefix that secret scanners can find."""
    return f"unseen_{secrets.token_urlsafe(32)}"


def key_digest(key: str) -> bytes:
    """Return the digest (32 bytes) of a key: SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(key.encode()).digest()


def read_key_digest(text: str) -> bytes | None:
    """Parse a digest as `unseen key new` prints it. Return its 32 bytes, or None if invalid."""
    found = _DIGEST.match(text)
    return bytes.fromhex(found[1]) if found else None


def key_fingerprint(digest: bytes) -> str:
    """Return what the holder of a key reads to the approver, such as `7K4M9-QTX2H-BDW3R-C5VXJ`.

    It is the first 100 bits of the digest: too many to find another key with the same ones.
    """
    bits = int.from_bytes(digest, "big") >> (256 - 100)
    characters = [ALPHABET[(bits >> shift) & 31] for shift in range(95, -1, -5)]
    return "-".join("".join(characters[start : start + 5]) for start in range(0, 20, 5))
