"""Encryption of what the database must not reveal: hashes, and what could confirm a guess.

The keys are in a file beside the audit log's key, never in the database: so a dump, a backup or a
stolen disk of PostgreSQL contains no hash. docs/decisions/0025 has the reasons.
"""

from .key_file import KeyFile
from .keyring import HashKey, Keyring

__all__ = ["HashKey", "KeyFile", "Keyring"]
