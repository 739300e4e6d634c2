"""The Merkle tree of RFC 9162, section 2.1, kept as the hashes of its perfect subtrees.

A subtree is identified by (level, index): it covers the leaves from index << level up to, but not
including, (index + 1) << level. A perfect subtree never changes once it has its last leaf, so its
hash is computed once and stored with that leaf. Leaf n (counted from 1) completes one subtree per
level from 0 up to the number of trailing zeros of n in binary: two on average. The root of any
size, and every proof, is computed from about log2(n) of them.

Hashes are SHA-256, 32 bytes.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

HASH_BYTES = 32
EMPTY = hashlib.sha256().digest()
"""The root of a tree without leaves."""

Subtree: TypeAlias = tuple[int, int]
"""A perfect subtree: its level and its index on that level."""

Span: TypeAlias = tuple[int, int]
"""Leaves from the first up to, but not including, the second; counted from 0."""

Lookup: TypeAlias = Callable[[Subtree], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a parent: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def grow(size: int, peaks: Sequence[bytes], leaf: bytes) -> tuple[list[bytes], list[bytes]]:
    """Append a leaf to a tree of `size` leaves.

    `peaks` are the hashes of the perfect subtrees that the tree consists of, largest first: one
    per bit set in `size`. Return the new peaks, and the hashes of the subtrees that this leaf
    completes, by level from 0.
    """
    completed = [leaf]
    left = list(peaks)
    while size & 1:
        completed.append(node_hash(left.pop(), completed[-1]))
        size >>= 1
    return [*left, completed[-1]], completed


def fold(peaks: Sequence[bytes]) -> bytes:
    """Return the root of the tree with these peaks, largest first."""
    if not peaks:
        return EMPTY
    *others, root = peaks
    for peak in reversed(others):
        root = node_hash(peak, root)
    return root


def peaks_of(span: Span) -> Iterator[Subtree]:
    """Yield the perfect subtrees that a span consists of, largest first.

    The span must begin where a subtree at least as large as the span begins, as do (0, size) and
    the spans of `inclusion` and `consistency`.
    """
    start, end = span
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def span_hash(span: Span, lookup: Lookup) -> bytes:
    """Return the hash of a span; `lookup` returns the hashes of perfect subtrees."""
    return fold([lookup(subtree) for subtree in peaks_of(span)])


def inclusion(index: int, size: int) -> list[Span]:
    """Return the spans whose hashes prove leaf `index` (from 0) of a tree of `size` leaves.

    RFC 9162, section 2.1.3.1.
    """
    path: list[Span] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    return path[::-1]


def consistency(first: int, second: int) -> list[Span]:
    """Return the spans whose hashes prove that the tree of `first` leaves is a prefix.

    RFC 9162, section 2.1.4.1, with 0 < first <= second; equal sizes need no proof.
    """
    path: list[Span] = []
    start, end = 0, second
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    # The remaining span ends the first tree. The verifier knows its hash only if it is the whole
    # of that tree.
    return ([] if start == 0 else [(start, end)]) + path[::-1]


def _split(size: int) -> int:
    """Return the largest power of two below `size`, RFC 9162's k."""
    return 1 << ((size - 1).bit_length() - 1)
