"""The audit log's hash chain: what is hashed, how it links, how it is verified.

An entry's digest is SHA-256 over the digest before it and the entry's canonical JSON (sorted
keys, no spaces, UTF-8, times in UTC to the microsecond); the first follows 32 zero bytes. So
no entry can be altered, dropped, put in or moved without every later digest changing.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime

from .errors import ChainBroken
from .models import AuditEntry

GENESIS = bytes(32)
"""What stands before the first entry."""


def canonical(entry: AuditEntry) -> bytes:
    """Give the bytes of an entry that its digest covers: all of it but the digest."""
    fields = {
        "position": entry.position,
        "at": timestamp(entry.at),
        "kind": entry.kind,
        "actor": entry.actor,
        "subject": entry.subject,
        "details": entry.details,
    }
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def timestamp(at: datetime) -> str:
    """Write a time the one way that the chain knows: UTC, microseconds, a Z."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def link(previous: bytes, entry: AuditEntry) -> bytes:
    """Give the digest (32 bytes) of an entry that follows the digest `previous`."""
    return hashlib.sha256(previous + canonical(entry)).digest()


class Verifier:
    """Walks a log from its first entry, a page at a time; raises ChainBroken where it breaks."""

    def __init__(self) -> None:
        self.position = 0
        self.digest = GENESIS

    def walk(self, entries: Iterable[AuditEntry]) -> None:
        """Verify the entries that follow those walked before."""
        for entry in entries:
            if entry.position != self.position + 1:
                raise ChainBroken(
                    self.position + 1, f"it is missing; the log goes on at {entry.position}"
                )
            if link(self.digest, entry) != entry.digest:
                raise ChainBroken(entry.position, "its content does not give its digest")
            self.position, self.digest = entry.position, entry.digest

    def finish(self, position: int, digest: bytes) -> None:
        """Hold the end of the walk against the head that was kept (`position`, `digest`)."""
        if self.position < position:
            raise ChainBroken(self.position + 1, f"it is missing; the head says {position}")
        if (self.position, self.digest) != (position, digest):
            raise ChainBroken(self.position, "it is not the entry that the head names")
