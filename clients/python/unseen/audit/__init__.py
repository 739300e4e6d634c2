"""Verify a service's audit log without the service: exports, checkpoints, proofs.

An export has one line of canonical JSON per entry and ends in a signed checkpoint. Each entry's
digest covers the entry and the digest before it (`chain`); the same bytes are leaves of the Merkle
tree of RFC 9162 (`merkle`), whose root the checkpoint signs (`note`). docs/audit.md specifies all
of it; the formats are C2SP's `signed-note` and `tlog-checkpoint`. Verifying a signature needs the
extra `unseen[audit]`; nothing else does.

All hashes are SHA-256, 32 bytes.
"""

from .chain import AuditBrokenError, LogVerifier, VerifiedLog, verify_export
from .cosignature import WitnessKey
from .merkle import leaf_hash, verify_consistency, verify_inclusion
from .note import Checkpoint, PublicKey, read_checkpoint

__all__ = [
    "AuditBrokenError",
    "Checkpoint",
    "LogVerifier",
    "PublicKey",
    "VerifiedLog",
    "WitnessKey",
    "leaf_hash",
    "read_checkpoint",
    "verify_consistency",
    "verify_export",
    "verify_inclusion",
]
