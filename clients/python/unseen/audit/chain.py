"""The hash chain of an audit log: verify an export, line by line."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from ..errors import UnseenError
from .merkle import Tree, canonical_entry, canonical_json, hash_leaf
from .note import Checkpoint, read_checkpoint

_FIELDS: Final = {"position", "at", "kind", "actor", "subject", "details", "digest"}


class AuditBrokenError(UnseenError):
    """A log is not intact; `position` is the first entry that is wrong."""

    hint = "Keep this file unchanged and ask the service's operator; others may hold checkpoints."

    def __init__(self, position: int, why: str) -> None:
        super().__init__(f"Audit entry {position} does not fit: {why}.")
        self.position = position


@dataclass(frozen=True, slots=True)
class VerifiedLog:
    """An intact log: the number of entries, the last digest, and the Merkle root."""

    entries: int
    digest: bytes
    root: bytes


def verify_export(
    lines: Iterable[bytes], kept: Sequence[Checkpoint] = (), *, verifier: str | None = None
) -> VerifiedLog:
    """Verify an export; `kept` are earlier checkpoints that the log must extend.

    With the log's public key (`verifier`), verify the signature of the export's checkpoint too.
    Raises AuditBrokenError at the first entry that is wrong, InputError if the checkpoint at the
    end is malformed or not signed with that key.
    """
    log = LogVerifier(kept)
    last: Checkpoint | None = None
    for line in lines:
        if last is not None:
            raise AuditBrokenError(log.size + 1, "it follows the export's checkpoint")
        parsed = _parse(line, log.size + 1)
        if parsed.keys() == {"checkpoint"} and isinstance(parsed["checkpoint"], str):
            last = read_checkpoint(parsed["checkpoint"], verifier)
        else:
            log.append(parsed)
    return log.finish(last)


class LogVerifier:
    """Verify entries one after another: their chain, their tree, and the checkpoints given."""

    def __init__(self, kept: Sequence[Checkpoint]) -> None:
        self._tree = Tree()
        self._digest = bytes(32)
        self._kept = sorted(kept, key=lambda each: each.size)
        self._verified_size = 0

    @property
    def size(self) -> int:
        """The number of entries so far."""
        return self._tree.size

    def append(self, entry: dict[str, Any]) -> None:
        """Verify the next entry. Raises AuditBrokenError."""
        position = self.size + 1
        if entry.keys() != _FIELDS:
            raise AuditBrokenError(position, "it does not have the fields of an entry")
        if entry["position"] != position:
            raise AuditBrokenError(position, f"entry {entry['position']} is in its place")
        content = canonical_entry(entry)
        self._digest = sha256(self._digest + content).digest()
        if entry["digest"] != self._digest.hex():
            raise AuditBrokenError(position, "its digest does not match its content")
        self._tree.append(hash_leaf(content))
        while self._kept and self._kept[0].size <= self.size:
            self._compare_checkpoint(self._kept.pop(0))

    def finish(self, last: Checkpoint | None) -> VerifiedLog:
        """Compare the end with the export's checkpoint and those of longer logs.

        Raises AuditBrokenError.
        """
        if last is None:
            raise AuditBrokenError(self.size + 1, "the export was cut off before its checkpoint")
        for expected in [last, *self._kept]:
            if expected.size > self.size:
                raise AuditBrokenError(
                    self.size + 1, f"it is missing; a checkpoint has {expected.size} entries"
                )
        if last.size != self.size:
            raise AuditBrokenError(last.size + 1, "it is not covered by the export's checkpoint")
        self._compare_checkpoint(last)
        return VerifiedLog(self.size, self._digest, self._tree.root())

    def _compare_checkpoint(self, kept: Checkpoint) -> None:
        if kept.size and kept.root != self._tree.root():
            raise AuditBrokenError(
                self._verified_size + 1,
                f"this entry, or a later one up to {kept.size}, differs from what the checkpoint "
                f"of {kept.size} entries signed",
            )
        self._verified_size = kept.size


def _parse(line: bytes, position: int) -> dict[str, Any]:
    """Parse one JSON object in canonical form; any other bytes are tampering."""
    try:
        parsed = json.loads(line)
        is_canonical = isinstance(parsed, dict) and canonical_json(parsed) + b"\n" == line
    except (ValueError, RecursionError):
        is_canonical = False
    if not is_canonical:
        raise AuditBrokenError(position, "its line is not an entry in canonical JSON")
    return dict(parsed)
