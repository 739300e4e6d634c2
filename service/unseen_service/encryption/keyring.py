"""The keys of the database: one per version for hashes, and a pepper for PINs and requests.

Each use has a key of its own, derived by HKDF, so that what one reveals says nothing of another.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from .siv import KEY_BYTES, Siv

_SECRET_BYTES = 64
_PEPPER_BYTES = 32
_PIN_TAG_BITS = 12
_PEPPER = "pepper"
_HEADER = """\
# The keys of Unseen's database. Back this file up, apart from dumps of the database: together they
# reveal every hash, and without this file the bank is lost.
"""


class KeyringInvalid(ValueError):
    """A text that is not a keyring; the message contains nothing of it."""


@dataclass(frozen=True)
class HashKey:
    """One version of the key that hashes are sealed with."""

    version: int
    secret: bytes = field(repr=False)

    @cached_property
    def hashes(self) -> Siv:
        """Seals the hashes of the bank."""
        return Siv(self._derive("hashes", KEY_BYTES))

    @cached_property
    def lookup(self) -> Siv:
        """Makes the tags that a hash is found by."""
        return Siv(self._derive("lookup tags", KEY_BYTES))

    @cached_property
    def benign(self) -> Siv:
        """Seals the hashes of the benign bank."""
        return Siv(self._derive("benign hashes", KEY_BYTES))

    def _derive(self, use: str, length: int) -> bytes:
        return HKDFExpand(SHA512(), length, f"unseen {use}".encode()).derive(self.secret)


@dataclass(frozen=True)
class Keyring:
    """The content of a key file."""

    pepper: bytes = field(repr=False)
    keys: Mapping[int, HashKey]

    @classmethod
    def generate(cls) -> "Keyring":
        """Generate a keyring with one key."""
        return cls(secrets.token_bytes(_PEPPER_BYTES), {1: _new_key(1)})

    @classmethod
    def parse(cls, text: str) -> "Keyring":
        """Parse what `encode` returned. Raises KeyringInvalid."""
        found: dict[str, bytes] = {}
        for line in text.splitlines():
            if line.strip() and not line.startswith("#"):
                name, _, value = line.partition(" ")
                if name in found:
                    raise KeyringInvalid(f"The key {name[:9]} is there twice.")
                found[name] = _decode(value)
        pepper = found.pop(_PEPPER, b"")
        if len(pepper) != _PEPPER_BYTES:
            raise KeyringInvalid("The pepper is missing.")
        if not found:
            raise KeyringInvalid("There is no key for hashes.")
        return cls(pepper, {key.version: key for key in map(_read_key, found, found.values())})

    def encode(self) -> str:
        """Return the keyring as text: a line for the pepper, and one per key."""
        lines = [f"{_PEPPER} {_encode(self.pepper)}"]
        lines += [f"{version} {_encode(key.secret)}" for version, key in sorted(self.keys.items())]
        return _HEADER + "\n".join(lines) + "\n"

    @property
    def newest(self) -> HashKey:
        """The key of the highest version."""
        return self.keys[max(self.keys)]

    def with_new_key(self) -> "Keyring":
        """Return a keyring with one more key, of the next version."""
        version = max(self.keys) + 1
        return Keyring(self.pepper, {**self.keys, version: _new_key(version)})

    def check_value(self, version: int) -> bytes:
        """Return what the database holds to recognise a key and the pepper: 16 bytes."""
        secret = self.keys[version].secret
        return self._keyed(secret, f"check {version}", self.pepper)[:16]

    @property
    def crowd_secret(self) -> bytes:
        """What decides how many candidates of a lookup are a crowd, on every host alike."""
        return self._keyed(self.pepper, "crowd", b"")

    def sealed_pin(self, number: str, digest: bytes) -> bytes:
        """Return what is stored of a PIN's scrypt digest: 32 bytes that nobody can test without us.

        Applied to the digest and not to the PIN, so that stored digests can be sealed later. Bound
        to the case's number: copied to another case, it opens nothing.
        """
        return self._keyed(self.pepper, "pin digest", number.encode() + b"\0" + digest)

    def pin_tag(self, number: str, pin: str) -> int:
        """Return 12 bits of a PIN: they tell most wrong ones apart, and too little to find it."""
        tag = self._keyed(self.pepper, "pin tag", f"{number} {pin}".encode())
        return int.from_bytes(tag[:2]) >> (16 - _PIN_TAG_BITS)

    def absent_pin_tag(self, number: str) -> int:
        """Return the tag of a case number without a case: as hard to guess as a real one."""
        return self.pin_tag(number, "")

    def request_digest(self, content: bytes) -> bytes:
        """Return the keyed digest (32 bytes) of a request: a plain one confirms a guessed hash."""
        return self._keyed(self.pepper, "request", content)

    @staticmethod
    def _keyed(key: bytes, use: str, content: bytes) -> bytes:
        return hmac.digest(key, f"unseen {use}\0".encode() + content, hashlib.sha256)


def _new_key(version: int) -> HashKey:
    return HashKey(version, secrets.token_bytes(_SECRET_BYTES))


def _read_key(name: str, secret: bytes) -> HashKey:
    if not (name.isascii() and name.isdigit() and 0 < int(name) < 1 << 15):
        raise KeyringInvalid("A line does not begin with the number of a key.")
    if len(secret) != _SECRET_BYTES:
        raise KeyringInvalid(f"Key {int(name)} does not have {_SECRET_BYTES} bytes.")
    return HashKey(int(name), secret)


def _encode(secret: bytes) -> str:
    return base64.b64encode(secret).decode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise KeyringInvalid("A key is not base64.") from None
