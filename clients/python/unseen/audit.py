"""Verify a service's audit log without the service: an export, checkpoints, proofs.

An export is a line of canonical JSON an entry, and last a signed checkpoint. Each entry's digest
covers it and the digest before it; the same bytes are leaves of RFC 9162's Merkle tree, whose
root the checkpoint signs. docs/audit.md specifies all of it; formats are C2SP's `signed-note` and
`tlog-checkpoint`. Verifying a signature needs the extra `unseen[audit]`; everything else does not.

All hashes are SHA-256, 32 bytes.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from .errors import InputError, UnseenError

_FIELDS: Final = {"position", "at", "kind", "actor", "subject", "details", "digest"}
_SIGNATURE: Final = re.compile("\N{EM DASH} ([^\\s+]+) ([A-Za-z0-9+/]+={0,2})")
_ED25519: Final = b"\x01"


class AuditBrokenError(UnseenError):
    """A log is not what it should be; `position` is the first entry that does not fit."""

    hint = "Keep this file as it is, and ask the service's operator; others may hold checkpoints."

    def __init__(self, position: int, why: str) -> None:
        super().__init__(f"Audit entry {position} does not fit: {why}.")
        self.position = position


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a service says of its log: `origin` names it, `size` counts entries."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class VerifiedLog:
    """A log that fits: how many entries, the last one's digest, and the Merkle root."""

    entries: int
    digest: bytes
    root: bytes


def read_checkpoint(note: str, verifier: str | None = None) -> Checkpoint:
    """Read a checkpoint; with the log's public key (`verifier`), verify its signature too.

    Raises InputError: it is no checkpoint, the key is none, or the signature does not fit.
    """
    text, gap, signatures = note.rpartition("\n\n")
    lines = text.split("\n")
    if not gap or len(lines) < 3 or not re.fullmatch("0|[1-9][0-9]{0,18}", lines[1]):
        raise InputError("This is not a checkpoint.", hint="It has an origin, a size and a root.")
    root = _base64(lines[2])
    if len(root) != 32:
        raise InputError("The checkpoint's root is not one.", hint="It is 32 bytes in base64.")
    if verifier is not None:
        _verify_signature(text + "\n", signatures, verifier)
    return Checkpoint(lines[0], int(lines[1]), root)


def verify_export(
    lines: Iterable[bytes], kept: Sequence[Checkpoint] = (), *, verifier: str | None = None
) -> VerifiedLog:
    """Verify an export, line by line; `kept` are checkpoints that it must have grown from.

    Raises AuditBrokenError at the first entry that does not fit; InputError where the checkpoint
    at its end cannot be read or, with a `verifier`, was not signed by it.
    """
    log = _Log(kept)
    last: Checkpoint | None = None
    for line in lines:
        if last is not None:
            raise AuditBrokenError(log.size + 1, "it stands behind the checkpoint of the export")
        found = _parse(line, log.size + 1)
        if found.keys() == {"checkpoint"} and isinstance(found["checkpoint"], str):
            last = read_checkpoint(found["checkpoint"], verifier)
        else:
            log.append(found)
    return log.finish(last)


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> bool:
    """Say whether the path proves leaf `index` (from 0) in the tree: RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for node in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = _node(node, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = _node(found, node)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(first: Checkpoint, second: Checkpoint, path: Sequence[bytes]) -> bool:
    """Say whether the path proves that the second log begins with the first: RFC 9162, 2.1.4.2."""
    if not 0 < first.size <= second.size:
        return False
    if first.size == second.size:
        return not path and first.root == second.root
    # The hash of a first tree that is perfect is known, so it is not in the path.
    whole = first.size & (first.size - 1) == 0
    nodes = [first.root, *path] if whole else list(path)
    if not nodes:
        return False
    at, last = first.size - 1, second.size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = _node(node, old), _node(node, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = _node(new, node)
        at, last = at >> 1, last >> 1
    return last == 0 and (old, new) == (first.root, second.root)


def leaf_hash(entry: dict[str, Any]) -> bytes:
    """Give the Merkle leaf of an entry as the API and an export have it."""
    return sha256(b"\x00" + _canonical({**entry, "digest": None})).digest()


class _Log:
    """An export on its way through: the chain, the tree's peaks, the checkpoints ahead."""

    def __init__(self, kept: Sequence[Checkpoint]) -> None:
        self.size = 0
        self._digest = bytes(32)
        self._peaks: list[bytes] = []
        self._kept = sorted(kept, key=lambda each: each.size)
        self._vouched = 0

    def append(self, entry: dict[str, Any]) -> None:
        """Verify the entry that comes next."""
        position = self.size + 1
        if entry.keys() != _FIELDS:
            raise AuditBrokenError(position, "it has not the fields of an entry")
        if entry["position"] != position:
            raise AuditBrokenError(position, f"entry {entry['position']} stands in its place")
        content = _canonical(entry)
        self._digest = sha256(self._digest + content).digest()
        if entry["digest"] != self._digest.hex():
            raise AuditBrokenError(position, "its content does not give its digest")
        self._grow(sha256(b"\x00" + content).digest())
        while self._kept and self._kept[0].size <= self.size:
            self._hold(self._kept.pop(0))

    def finish(self, last: Checkpoint | None) -> VerifiedLog:
        """Hold the end against the checkpoint of the export, and those of longer logs."""
        if last is None:
            raise AuditBrokenError(self.size + 1, "the export was cut off before it")
        for missing in [last, *self._kept]:
            if missing.size > self.size:
                raise AuditBrokenError(
                    self.size + 1, f"it is missing; a checkpoint says {missing.size}"
                )
        if last.size != self.size:
            raise AuditBrokenError(last.size + 1, "the checkpoint of the export ends before it")
        self._hold(last)
        return VerifiedLog(self.size, self._digest, self._root())

    def _grow(self, node: bytes) -> None:
        size = self.size
        while size & 1:
            node = _node(self._peaks.pop(), node)
            size >>= 1
        self._peaks.append(node)
        self.size += 1

    def _root(self) -> bytes:
        if not self._peaks:
            return sha256().digest()
        *others, root = self._peaks
        for peak in reversed(others):
            root = _node(peak, root)
        return root

    def _hold(self, kept: Checkpoint) -> None:
        if kept.size and kept.root != self._root():
            raise AuditBrokenError(
                self._vouched + 1,
                f"it, or an entry from there to {kept.size}, is not what a checkpoint of "
                f"{kept.size} has signed",
            )
        self._vouched = kept.size


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def _canonical(entry: dict[str, Any]) -> bytes:
    return _json({name: value for name, value in entry.items() if name != "digest"})


def _json(value: dict[str, Any]) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def _parse(line: bytes, position: int) -> dict[str, Any]:
    """Read a line that is one JSON object in its canonical form: any other byte is tampering."""
    try:
        found = json.loads(line)
        canonical = isinstance(found, dict) and _json(found) + b"\n" == line
    except (ValueError, RecursionError):
        canonical = False
    if not canonical:
        raise AuditBrokenError(position, "its line is not an entry in canonical JSON")
    return dict(found)


def _verify_signature(text: str, signatures: str, verifier: str) -> None:
    try:
        from nacl.exceptions import BadSignatureError  # noqa: PLC0415 (an extra)
        from nacl.signing import VerifyKey  # noqa: PLC0415
    except ImportError:
        raise InputError(
            "Verifying a signature needs PyNaCl, which is not installed.",
            hint="python -m pip install 'unseen[audit]'",
        ) from None
    name, key_id, key = _read_verifier(verifier)
    for found in map(_SIGNATURE.fullmatch, signatures.splitlines()):
        signed = _base64(found[2]) if found and found[1] == name else b""
        if signed[:4] == key_id:
            try:
                VerifyKey(key).verify(text.encode(), signed[4:])
            except (BadSignatureError, ValueError):
                break
            return
    raise InputError(
        f"The checkpoint is not signed by '{name}' with this key.",
        hint="Ask the operator for the log's public key: `unseen-service audit key` prints it.",
    )


def _read_verifier(text: str) -> tuple[str, bytes, bytes]:
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    key = _base64(encoded)
    named = sha256(name.encode() + b"\n" + key).digest()[:4]
    if len(key) != 33 or key[:1] != _ED25519 or named.hex() != key_id:
        raise InputError("This is not a log's public key.", hint="It has the form NAME+ID+BASE64.")
    return name, named, key[1:]


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
