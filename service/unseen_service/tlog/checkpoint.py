"""Checkpoints (C2SP tlog-checkpoint): the size of the log and its Merkle root.

A checkpoint is signed as a note, and small enough for anyone to keep. Whoever keeps one can tell
if the log is later replaced by another. https://c2sp.org/tlog-checkpoint
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Self

from .merkle import HASH_BYTES
from .note import NoteInvalid


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log named `origin` has `size` entries and this root (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def encode(self) -> str:
        """Return the text to sign."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a note's text; lines after the third are extensions. Raises NoteInvalid."""
        lines = text.split("\n")
        if len(lines) < 4 or not lines[0]:
            raise NoteInvalid("This is not a checkpoint: it needs an origin, a size and a root.")
        try:
            root = base64.b64decode(lines[2], validate=True)
        except (binascii.Error, ValueError):
            root = b""
        if not _is_size(lines[1]) or len(root) != HASH_BYTES:
            raise NoteInvalid("This is not a checkpoint: its size or its root is malformed.")
        return cls(lines[0], int(lines[1]), root)


def _is_size(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20 and str(int(text)) == text
