"""The Merkle tree of RFC 9162 over a log's entries, and its inclusion and consistency proofs."""

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from .note import Checkpoint


class Tree:
    """The hashes of a growing tree's perfect subtrees, the largest first; enough for its root."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash."""
        node, size = leaf, self.size
        while size & 1:
            node = node_hash(self._peaks.pop(), node)
            size >>= 1
        self._peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Return the root of the tree as it is now; that of an empty tree is SHA-256 of nothing."""
        if not self._peaks:
            return sha256().digest()
        *others, root = self._peaks
        for peak in reversed(others):
            root = node_hash(peak, root)
        return root


def canonical_entry(entry: dict[str, Any]) -> bytes:
    """Return the bytes of an entry that are hashed: canonical JSON without its digest."""
    return canonical_json({name: value for name, value in entry.items() if name != "digest"})


def canonical_json(value: dict[str, Any]) -> bytes:
    """Return JSON with sorted keys, without spaces, in UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def leaf_hash(entry: dict[str, Any]) -> bytes:
    """Return the Merkle leaf of an entry as the API and an export have it."""
    return hash_leaf(canonical_entry(entry))


def hash_leaf(content: bytes) -> bytes:
    """Return the Merkle leaf of an entry's canonical bytes."""
    return sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> bool:
    """Return whether the path proves leaf `index` (from 0) in the tree: RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for node in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(node, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, node)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(first: Checkpoint, second: Checkpoint, path: Sequence[bytes]) -> bool:
    """Return whether the path proves that the second log extends the first: RFC 9162, 2.1.4.2."""
    if not 0 < first.size <= second.size:
        return False
    if first.size == second.size:
        return not path and first.root == second.root
    # If the first tree is perfect, its root is known and not repeated in the path.
    is_perfect = first.size & (first.size - 1) == 0
    nodes = [first.root, *path] if is_perfect else list(path)
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
            old, new = node_hash(node, old), node_hash(node, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, node)
        at, last = at >> 1, last >> 1
    return last == 0 and (old, new) == (first.root, second.root)
