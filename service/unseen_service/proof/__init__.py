"""What a proof is made of: a Merkle tree (RFC 9162), signed notes and checkpoints (C2SP).

Pure functions of bytes: no database, no HTTP, no clock.
"""

from . import merkle
from .checkpoint import Checkpoint
from .note import NoteInvalid, Signer, Verifier
from .signer_file import load_signer

__all__ = ["Checkpoint", "NoteInvalid", "Signer", "Verifier", "load_signer", "merkle"]
