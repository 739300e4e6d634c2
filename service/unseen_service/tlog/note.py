"""Signed notes with Ed25519, as C2SP's signed-note specifies them and Go's `note` reads them.

A note is a text that ends in a newline, an empty line, and signature lines: an em dash, the
name of the key, and base64 of four bytes that name the key and the signature of the text. A
public key is written NAME+ID+BASE64; a private one PRIVATE+KEY+NAME+ID+BASE64.
https://c2sp.org/signed-note
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from typing import Self

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

ED25519 = b"\x01"
_DASH = "\N{EM DASH}"
_NAME = re.compile(r"[^\s+]+\Z")
_SIGNATURE = re.compile(rf"{_DASH} ([^\s+]+) ([A-Za-z0-9+/]+={{0,2}})\Z")
_KEY_BYTES = 32


class NoteInvalid(ValueError):
    """A note or a key is not one, or the signature does not fit; its text says which."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key, and the name that goes with it."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read NAME+ID+BASE64; raise NoteInvalid."""
        name, key_id, key = _parts(text)
        found = cls(name, key)
        if found.key_id.hex() != key_id:
            raise NoteInvalid("The verifier key's ID does not fit its name and its key.")
        return found

    @property
    def key_id(self) -> bytes:
        """The four bytes that name this key in a signature."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def encode(self) -> str:
        """Write the key as others will be given it."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(ED25519 + self.public)}"

    def open(self, note: str) -> str:
        """Give the text of a note that this key has signed; raise NoteInvalid."""
        text, gap, signatures = note.rpartition("\n\n")
        if not gap or not signatures.endswith("\n"):
            raise NoteInvalid("This is not a signed note.")
        text += "\n"
        for line in signatures.splitlines():
            found = _SIGNATURE.match(line)
            if found is None:
                raise NoteInvalid("This is not a signed note.")
            signed = _bytes(found[2])
            if found[1] == self.name and signed[:4] == self.key_id:
                return self._checked(text, signed[4:])
        raise NoteInvalid(f"The note is not signed by '{self.name}' with this key.")

    def _checked(self, text: str, signature: bytes) -> str:
        try:
            VerifyKey(self.public).verify(text.encode(), signature)
        except (BadSignatureError, ValueError):
            raise NoteInvalid("The note's signature does not fit its text.") from None
        return text


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key (its 32-byte seed) and its name."""

    name: str
    seed: bytes = field(repr=False)

    @classmethod
    def generate(cls, name: str) -> Self:
        """Draw a key; a name has neither spaces nor plus signs."""
        if not _NAME.match(name):
            raise NoteInvalid("A key's name has neither spaces nor plus signs.")
        return cls(name, bytes(SigningKey.generate()))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read PRIVATE+KEY+NAME+ID+BASE64; raise NoteInvalid, which never shows the key."""
        private, gap, rest = text.partition("+KEY+")
        if (private, gap) != ("PRIVATE", "+KEY+"):
            raise NoteInvalid("This is not a private key of a signed note.")
        name, key_id, seed = _parts(rest)
        found = cls(name, seed)
        if found.public_key.key_id.hex() != key_id:
            raise NoteInvalid("The private key's ID does not fit its name and its key.")
        return found

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        return PublicKey(self.name, bytes(SigningKey(self.seed).verify_key))

    def encode(self) -> str:
        """Write the private key, to be kept secret."""
        key_id = self.public_key.key_id.hex()
        return f"PRIVATE+KEY+{self.name}+{key_id}+{_base64(ED25519 + self.seed)}"

    def sign(self, text: str) -> str:
        """Make a note of a text, which ends in a newline."""
        if not text.endswith("\n"):
            raise NoteInvalid("A note's text ends in a newline.")
        signature = SigningKey(self.seed).sign(text.encode()).signature
        return f"{text}\n{_DASH} {self.name} {_base64(self.public_key.key_id + signature)}\n"


def _parts(text: str) -> tuple[str, str, bytes]:
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    key = _bytes(encoded)
    if not _NAME.match(name) or key[:1] != ED25519 or len(key) != 1 + _KEY_BYTES:
        raise NoteInvalid("This is not an Ed25519 key of a signed note: NAME+ID+BASE64.")
    return name, key_id, key[1:]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteInvalid("A part that should be base64 is not.") from None
