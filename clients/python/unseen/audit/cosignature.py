"""Cosignatures of witnesses: C2SP tlog-cosignature, version 1, with Ed25519."""

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from ..errors import InputError

_LINE: Final = re.compile("\N{EM DASH} ([^\\s+]+) ([A-Za-z0-9+/]+={0,2})")
_TYPE: Final = b"\x04"
_SIGNED_BYTES: Final = 4 + 8 + 64


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """A witness's Ed25519 public key, under the name that its signatures carry."""

    name: str
    key: bytes
    """32 bytes."""

    @classmethod
    def parse(cls, text: str) -> "WitnessKey":
        """Parse a key of the form NAME+ID+BASE64. Raises InputError."""
        name, _, rest = text.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        key = _decode_base64(encoded)
        found = cls(name, key[1:])
        if not name or len(key) != 33 or key[:1] != _TYPE or found.key_id.hex() != key_id:
            raise InputError(
                "This is not a witness's public key.",
                hint="It has the form NAME+ID+BASE64; `unseen audit witness` prints it.",
            )
        return found

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that identify the key in a signature."""
        return sha256(self.name.encode() + b"\n" + _TYPE + self.key).digest()[:4]

    def encode(self) -> str:
        """Return the key as `parse` reads it."""
        encoded = base64.b64encode(_TYPE + self.key).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    def signed_at(self, note: str) -> int | None:
        """Return when this witness signed a checkpoint (Unix time); None if it did not."""
        from nacl.exceptions import BadSignatureError  # noqa: PLC0415 (an extra)
        from nacl.signing import VerifyKey  # noqa: PLC0415

        text, _, lines = note.rpartition("\n\n")
        for line in map(_LINE.fullmatch, lines.splitlines()):
            signed = _decode_base64(line[2]) if line and line[1] == self.name else b""
            if len(signed) != _SIGNED_BYTES or signed[:4] != self.key_id:
                continue
            second = int.from_bytes(signed[4:12])
            try:
                VerifyKey(self.key).verify(message(f"{text}\n", second), signed[12:])
            except (BadSignatureError, ValueError):
                continue
            return second
        return None


def message(text: str, second: int) -> bytes:
    """Return what a witness signs: a header, the Unix time, and the checkpoint's text."""
    return f"cosignature/v1\ntime {second}\n{text}".encode()


def signature_line(name: str, key_id: bytes, second: int, signature: bytes) -> str:
    """Return the line that a witness adds to a checkpoint."""
    encoded = base64.b64encode(key_id + second.to_bytes(8) + signature).decode()
    return f"\N{EM DASH} {name} {encoded}\n"


def _decode_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
