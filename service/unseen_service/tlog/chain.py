"""The audit log's two proofs: a hash chain and a Merkle tree over the same bytes.

An entry's bytes are its canonical JSON: sorted keys, no spaces, UTF-8, times in UTC with
microseconds. Its digest is SHA-256 over the previous digest (32 zero bytes for the first entry)
and these bytes, so any entry that is altered, dropped, inserted or moved changes every later
digest. The same bytes are a leaf of the tree (`merkle`). The tree's root is signed in checkpoints
that others keep, so the whole chain cannot be rewritten unnoticed either.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from ..errors import ChainBroken
from ..models.audit import AuditEntry, AuditHead
from . import merkle
from .checkpoint import Checkpoint

GENESIS = bytes(32)
"""The digest before the first entry."""


def canonical(entry: AuditEntry) -> bytes:
    """Return the bytes of an entry that its digest and its leaf cover."""
    return canonical_json(contents(entry))


def contents(entry: AuditEntry) -> dict[str, Any]:
    """Return an entry's members for JSON: all but its digest and tree nodes."""
    return {
        "position": entry.position,
        "at": timestamp(entry.at),
        "kind": entry.kind,
        "actor": entry.actor,
        "subject": entry.subject,
        "details": entry.details,
    }


def canonical_json(value: Mapping[str, Any]) -> bytes:
    """Return the canonical JSON of a value, without a newline."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def timestamp(at: datetime) -> str:
    """Return a time in the canonical format: UTC, with microseconds and a Z."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def entry_digest(previous: bytes, content: bytes) -> bytes:
    """Return the digest (32 bytes) of the entry with these canonical bytes, after `previous`."""
    return hashlib.sha256(previous + content).digest()


def grow_tree(size: int, peaks: bytes, content: bytes) -> tuple[bytes, bytes]:
    """Append an entry to the tree of `size` entries. Return its peaks and new nodes, joined."""
    grown, nodes = merkle.grow(size, _split_hashes(peaks), merkle.leaf_hash(content))
    return b"".join(grown), b"".join(nodes)


class LogVerifier:
    """Verifies a log from its first entry, page by page; compares it with `kept` checkpoints."""

    def __init__(self, kept: Iterable[Checkpoint] = ()) -> None:
        self.position = 0
        self.digest = GENESIS
        self.at: datetime | None = None
        self.peaks: list[bytes] = []
        self._kept = sorted(kept, key=lambda each: each.size)
        self._verified_size = 0

    @property
    def root(self) -> bytes:
        """The Merkle root of the entries so far."""
        return merkle.fold(self.peaks)

    def verify(self, entries: Iterable[AuditEntry]) -> None:
        """Verify the next entries. Raises ChainBroken."""
        for entry in entries:
            self._verify_entry(entry)
            while self._kept and self._kept[0].size == self.position:
                self._compare_checkpoint(self._kept.pop(0))

    def finish(self, head: AuditHead) -> None:
        """Compare the end with the head, and with checkpoints of longer logs. Raises ChainBroken.

        Call it after the last entry.
        """
        longest = max([head.position, *(each.size for each in self._kept)])
        if self.position < longest:
            source = "the head" if longest == head.position else "a kept checkpoint"
            raise ChainBroken(
                self.position + 1, f"it is missing; {source} has a log of {longest} entries"
            )
        found = (self.position, self.digest, b"".join(self.peaks), self.at or head.at)
        if found != (head.position, head.digest, head.peaks, head.at):
            raise ChainBroken(self.position, "it does not match the log's head")

    def _verify_entry(self, entry: AuditEntry) -> None:
        if entry.position != self.position + 1:
            raise ChainBroken(
                self.position + 1, f"it is missing; the next entry is {entry.position}"
            )
        content = canonical(entry)
        digest = entry_digest(self.digest, content)
        if digest != entry.digest:
            raise ChainBroken(entry.position, "its digest does not match its content")
        self.peaks, nodes = merkle.grow(self.position, self.peaks, merkle.leaf_hash(content))
        if b"".join(nodes) != entry.nodes:
            raise ChainBroken(entry.position, "its tree nodes do not match its content")
        self.position, self.digest, self.at = entry.position, digest, entry.at

    def _compare_checkpoint(self, kept: Checkpoint) -> None:
        if kept.root != self.root:
            raise rewritten_error(self._verified_size, kept.size)
        self._verified_size = kept.size


def rewritten_error(verified_size: int, size: int) -> ChainBroken:
    """Return the error for a log that is consistent, but not the one a checkpoint has signed.

    `verified_size` is the size up to which it is known to be the same; `size` the checkpoint's.
    """
    return ChainBroken(
        verified_size + 1,
        f"this entry, or a later one up to {size}, differs from what the kept checkpoint of "
        f"{size} entries signed",
    )


def _split_hashes(joined: bytes) -> list[bytes]:
    step = merkle.HASH_BYTES
    return [joined[start : start + step] for start in range(0, len(joined), step)]
