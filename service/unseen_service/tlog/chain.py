"""The audit log's two proofs: a hash chain and a Merkle tree over the same bytes.

An entry's bytes are its canonical JSON: sorted keys, no spaces, UTF-8, times in UTC to the
microsecond. Its digest is SHA-256 over the digest before it (32 zero bytes for the first) and
these bytes, so that nothing can be altered, dropped, put in or moved without every later digest
changing. The same bytes are a leaf of the tree (`proof.merkle`), whose root is signed in
checkpoints that others keep: so that the whole chain cannot be made anew either.
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
"""What stands before the first entry."""


def canonical(entry: AuditEntry) -> bytes:
    """Give the bytes of an entry that its digest and its leaf cover."""
    return canonical_json(contents(entry))


def contents(entry: AuditEntry) -> dict[str, Any]:
    """Give what an entry says, as JSON has it: all of it but its digest and nodes."""
    return {
        "position": entry.position,
        "at": timestamp(entry.at),
        "kind": entry.kind,
        "actor": entry.actor,
        "subject": entry.subject,
        "details": entry.details,
    }


def canonical_json(value: Mapping[str, Any]) -> bytes:
    """Write JSON the one way that the chain knows."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def timestamp(at: datetime) -> str:
    """Write a time the one way that the chain knows: UTC, microseconds, a Z."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def link(previous: bytes, content: bytes) -> bytes:
    """Give the digest (32 bytes) of the entry with these canonical bytes, after `previous`."""
    return hashlib.sha256(previous + content).digest()


class LogVerifier:
    """Walks a log from its first entry, a page at a time; raises ChainBroken where it breaks.

    Checkpoints that were kept are held against the tree as the walk passes their sizes.
    """

    def __init__(self, kept: Iterable[Checkpoint] = ()) -> None:
        self.position = 0
        self.digest = GENESIS
        self.at: datetime | None = None
        self.peaks: list[bytes] = []
        self._kept = sorted(kept, key=lambda each: each.size)
        self._vouched = 0

    @property
    def root(self) -> bytes:
        """The Merkle root of what was walked."""
        return merkle.fold(self.peaks)

    def walk(self, entries: Iterable[AuditEntry]) -> None:
        """Verify the entries that follow those walked before."""
        for entry in entries:
            self._step(entry)
            while self._kept and self._kept[0].size == self.position:
                self._hold(self._kept.pop(0))

    def finish(self, head: AuditHead) -> None:
        """Hold the end of the walk against the head, and against checkpoints of longer logs."""
        missing = max([head.position, *(each.size for each in self._kept)])
        if self.position < missing:
            by = "the head" if missing == head.position else "a kept checkpoint"
            raise ChainBroken(self.position + 1, f"it is missing; {by} says {missing}")
        found = (self.position, self.digest, b"".join(self.peaks), self.at or head.at)
        if found != (head.position, head.digest, head.peaks, head.at):
            raise ChainBroken(self.position, "it is not the entry that the head names")

    def _step(self, entry: AuditEntry) -> None:
        if entry.position != self.position + 1:
            raise ChainBroken(
                self.position + 1, f"it is missing; the log goes on at {entry.position}"
            )
        content = canonical(entry)
        digest = link(self.digest, content)
        if digest != entry.digest:
            raise ChainBroken(entry.position, "its content does not give its digest")
        self.peaks, nodes = merkle.grow(self.position, self.peaks, merkle.leaf_hash(content))
        if b"".join(nodes) != entry.nodes:
            raise ChainBroken(entry.position, "its content does not give its nodes of the tree")
        self.position, self.digest, self.at = entry.position, digest, entry.at

    def _hold(self, kept: Checkpoint) -> None:
        if kept.root != self.root:
            raise rewritten(self._vouched, kept.size)
        self._vouched = kept.size


def rewritten(vouched: int, size: int) -> ChainBroken:
    """Make the error for a log that is in itself whole, but not the one that was signed.

    `vouched` is the size up to which it is known to be.
    """
    return ChainBroken(
        vouched + 1,
        f"it, or an entry from there to {size}, is not what a kept checkpoint of {size} has signed",
    )


def nodes_of(size: int, peaks: bytes, content: bytes) -> tuple[bytes, bytes]:
    """Grow the tree of `size` by an entry; answer its peaks and the new nodes, each joined."""
    grown, nodes = merkle.grow(size, _split(peaks), merkle.leaf_hash(content))
    return b"".join(grown), b"".join(nodes)


def _split(hashes: bytes) -> list[bytes]:
    step = merkle.HASH_BYTES
    return [hashes[at : at + step] for at in range(0, len(hashes), step)]
