"""Checkpoints: how long the log is, and its Merkle root, as C2SP's tlog-checkpoint has them.

Signed as a note, and small enough to be kept by anybody: whoever keeps one can tell when the
log is later another one. https://c2sp.org/tlog-checkpoint
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Self

from .merkle import HASH_BYTES
from .note import NoteInvalid


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log `origin` has `size` entries, and this root (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def encode(self) -> str:
        """Write the text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a note (lines after the third are extensions); raise NoteInvalid."""
        lines = text.split("\n")
        if len(lines) < 4 or not lines[0]:
            raise NoteInvalid("This is not a checkpoint: an origin, a size and a root are needed.")
        try:
            root = base64.b64decode(lines[2], validate=True)
        except (binascii.Error, ValueError):
            root = b""
        if not _is_size(lines[1]) or len(root) != HASH_BYTES:
            raise NoteInvalid("This is not a checkpoint: its size or its root cannot be read.")
        return cls(lines[0], int(lines[1]), root)


def _is_size(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20 and str(int(text)) == text
