"""Signed notes with Ed25519 (C2SP signed-note), compatible with Go's package `note`.

A note is a text that ends in a newline, an empty line, and signature lines: an em dash, the key's
name, and the base64 of the key's four-byte ID and the text's signature. The format of a public
key is NAME+ID+BASE64, that of a private one PRIVATE+KEY+NAME+ID+BASE64.
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
    """A note or a key is malformed, or a signature is wrong; the text says which."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key (32 bytes) and its name."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse NAME+ID+BASE64. Raises NoteInvalid."""
        name, key_id, key = _parse_key(text)
        found = cls(name, key)
        if found.key_id.hex() != key_id:
            raise NoteInvalid("The verifier key's ID does not match its name and its key.")
        return found

    @property
    def key_id(self) -> bytes:
        """The four bytes that identify this key in a signature."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def encode(self) -> str:
        """Return the key in the format that verifiers need."""
        return f"{self.name}+{self.key_id.hex()}+{_encode_base64(ED25519 + self.public)}"

    def open(self, note: str) -> str:
        """Return the text of a note if this key has signed it. Raises NoteInvalid."""
        text, separator, signatures = note.rpartition("\n\n")
        if not separator or not signatures.endswith("\n"):
            raise NoteInvalid("This is not a signed note.")
        text += "\n"
        for line in signatures.splitlines():
            found = _SIGNATURE.match(line)
            if found is None:
                raise NoteInvalid("This is not a signed note.")
            signed = _decode_base64(found[2])
            if found[1] == self.name and signed[:4] == self.key_id:
                return self._verify(text, signed[4:])
        raise NoteInvalid(f"The note is not signed by '{self.name}' with this key.")

    def _verify(self, text: str, signature: bytes) -> str:
        try:
            VerifyKey(self.public).verify(text.encode(), signature)
        except (BadSignatureError, ValueError):
            raise NoteInvalid("The note's signature does not match its text.") from None
        return text


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key (its 32-byte seed) and its name."""

    name: str
    seed: bytes = field(repr=False)

    @classmethod
    def generate(cls, name: str) -> Self:
        """Generate a key. Raises NoteInvalid if the name has a space or a plus sign."""
        if not _NAME.match(name):
            raise NoteInvalid("A key's name must not contain spaces or plus signs.")
        return cls(name, bytes(SigningKey.generate()))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse PRIVATE+KEY+NAME+ID+BASE64. Raises NoteInvalid, which never shows the key."""
        private, separator, rest = text.partition("+KEY+")
        if (private, separator) != ("PRIVATE", "+KEY+"):
            raise NoteInvalid("This is not a private key for signed notes.")
        name, key_id, seed = _parse_key(rest)
        found = cls(name, seed)
        if found.public_key.key_id.hex() != key_id:
            raise NoteInvalid("The private key's ID does not match its name and its key.")
        return found

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        return PublicKey(self.name, bytes(SigningKey(self.seed).verify_key))

    def encode(self) -> str:
        """Return the private key, as `parse` reads it."""
        key_id = self.public_key.key_id.hex()
        return f"PRIVATE+KEY+{self.name}+{key_id}+{_encode_base64(ED25519 + self.seed)}"

    def sign(self, text: str) -> str:
        """Return the signed note of a text. Raises NoteInvalid unless it ends in a newline."""
        if not text.endswith("\n"):
            raise NoteInvalid("A note's text must end in a newline.")
        signature = SigningKey(self.seed).sign(text.encode()).signature
        return f"{text}\n{_DASH} {self.name} {_encode_base64(self.public_key.key_id + signature)}\n"


def _parse_key(text: str) -> tuple[str, str, bytes]:
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    key = _decode_base64(encoded)
    if not _NAME.match(name) or key[:1] != ED25519 or len(key) != 1 + _KEY_BYTES:
        raise NoteInvalid("This is not an Ed25519 key for signed notes: NAME+ID+BASE64.")
    return name, key_id, key[1:]


def _encode_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decode_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteInvalid("A part that should be base64 is malformed.") from None
