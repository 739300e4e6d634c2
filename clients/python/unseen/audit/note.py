"""Checkpoints (C2SP tlog-checkpoint) and their Ed25519 signatures (C2SP signed-note)."""

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from ..errors import InputError

_SIGNATURE: Final = re.compile("\N{EM DASH} ([^\\s+]+) ([A-Za-z0-9+/]+={0,2})")
_SIZE: Final = "0|[1-9][0-9]{0,18}"
_ED25519: Final = b"\x01"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a service commits to: the log `origin` has `size` entries and this Merkle `root`."""

    origin: str
    size: int
    root: bytes
    """32 bytes."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A log's Ed25519 public key, under the name that its signatures carry."""

    name: str
    key_id: bytes
    """4 bytes: the beginning of a SHA-256 of name and key."""
    key: bytes
    """32 bytes."""

    @classmethod
    def parse(cls, text: str) -> "PublicKey":
        """Parse a key of the form NAME+ID+BASE64 (a "vkey"). Raises InputError."""
        name, _, rest = text.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        key = _decode_base64(encoded)
        expected = sha256(name.encode() + b"\n" + key).digest()[:4]
        if len(key) != 33 or key[:1] != _ED25519 or expected.hex() != key_id:
            raise InputError(
                "This is not a log's public key.", hint="It has the form NAME+ID+BASE64."
            )
        return cls(name, expected, key[1:])

    def verify(self, text: str, signatures: str) -> None:
        """Check that one of a note's signature lines is this key's. Raises InputError."""
        try:
            from nacl.exceptions import BadSignatureError  # noqa: PLC0415 (an extra)
            from nacl.signing import VerifyKey  # noqa: PLC0415
        except ImportError:
            raise InputError(
                "Verifying a signature needs PyNaCl, which is not installed.",
                hint="In a clone of the repository: pip install './clients/python[audit]'",
            ) from None
        for line in map(_SIGNATURE.fullmatch, signatures.splitlines()):
            signed = _decode_base64(line[2]) if line and line[1] == self.name else b""
            if signed[:4] == self.key_id:
                try:
                    VerifyKey(self.key).verify(text.encode(), signed[4:])
                except (BadSignatureError, ValueError):
                    break
                return
        raise InputError(
            f"The checkpoint is not signed by '{self.name}' with this key.",
            hint="Ask the operator for the log's public key: `unseen-service audit key` prints it.",
        )


def read_checkpoint(note: str, verifier: str | None = None) -> Checkpoint:
    """Parse a checkpoint; with the log's public key (`verifier`), verify its signature too.

    Raises InputError if the checkpoint or the key is malformed, or the signature is invalid.
    """
    text, gap, signatures = note.rpartition("\n\n")
    lines = text.split("\n")
    if not gap or len(lines) < 3 or not re.fullmatch(_SIZE, lines[1]):
        raise InputError("This is not a checkpoint.", hint="It has an origin, a size and a root.")
    root = _decode_base64(lines[2])
    if len(root) != 32:
        raise InputError(
            "The checkpoint's root is malformed.", hint="It should be 32 bytes in base64."
        )
    if verifier is not None:
        PublicKey.parse(verifier).verify(text + "\n", signatures)
    return Checkpoint(lines[0], int(lines[1]), root)


def _decode_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
