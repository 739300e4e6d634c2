"""Cosignatures of witnesses (C2SP tlog-cosignature, version 1, Ed25519).

A witness signs a checkpoint's text together with the time. Its public key has the format
NAME+ID+BASE64, like a log's, with another type byte. https://c2sp.org/tlog-cosignature
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Self

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from .note import NoteInvalid

COSIGNATURE = b"\x04"
_LINE = re.compile("\N{EM DASH} ([^\\s+]+) ([A-Za-z0-9+/]+={0,2})")
_SIGNED_BYTES = 4 + 8 + 64


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """The public key (32 bytes) of a witness, and its name."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse NAME+ID+BASE64. Raises NoteInvalid."""
        name, _, rest = text.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        key = _decode_base64(encoded)
        found = cls(name, key[1:])
        if len(key) != 33 or key[:1] != COSIGNATURE or found.key_id.hex() != key_id or not name:
            raise NoteInvalid("This is not a witness's key: NAME+ID+BASE64, of type 4.")
        return found

    @property
    def key_id(self) -> bytes:
        """The four bytes that identify this key in a signature."""
        named = self.name.encode() + b"\n" + COSIGNATURE + self.public
        return hashlib.sha256(named).digest()[:4]

    def find(self, text: str, lines: str) -> tuple[str, int] | None:
        """Return this witness's valid signature line of a checkpoint's text, and its Unix time.

        `lines` are signature lines; those of others and invalid ones are ignored.
        """
        for line in lines.split("\n"):
            found = _LINE.fullmatch(line)
            signed = _decode_base64(found[2]) if found and found[1] == self.name else b""
            if len(signed) == _SIGNED_BYTES and signed[:4] == self.key_id:
                second = int.from_bytes(signed[4:12])
                if self._is_valid(message(text, second), signed[12:]):
                    return f"{line}\n", second
        return None

    def _is_valid(self, content: bytes, signature: bytes) -> bool:
        try:
            VerifyKey(self.public).verify(content, signature)
        except (BadSignatureError, ValueError):
            return False
        return True


def message(text: str, second: int) -> bytes:
    """Return what a witness signs: a header, the time, and the checkpoint's text."""
    return f"cosignature/v1\ntime {second}\n{text}".encode()


def _decode_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
