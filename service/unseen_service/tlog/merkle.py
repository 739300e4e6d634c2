"""The Merkle tree of RFC 9162, section 2.1, kept as the hashes of its perfect subtrees.

A subtree is named by (level, index): it covers the leaves from index << level up to, but
without, (index + 1) << level. A perfect subtree never changes once its last leaf is there, so
it is computed once and kept with that leaf: leaf n (from 1) completes one subtree of each level
from 0 up to the number of zeros that end n in binary, two on average. The root of any size, and
every proof, is folded from about log2(n) of them.

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
"""Leaves from the first up to, but without, the second; counted from 0."""

Lookup: TypeAlias = Callable[[Subtree], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """Hash a leaf: SHA-256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into the one above them: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def grow(size: int, peaks: Sequence[bytes], leaf: bytes) -> tuple[list[bytes], list[bytes]]:
    """Put a leaf behind the `size` that are there.

    `peaks` are the hashes of the perfect subtrees that the tree falls into, largest first: one
    for each bit that is set in `size`. Answers the new peaks, and the hashes of the subtrees
    that this leaf completes, by level from 0.
    """
    completed = [leaf]
    left = list(peaks)
    while size & 1:
        completed.append(node_hash(left.pop(), completed[-1]))
        size >>= 1
    return [*left, completed[-1]], completed


def fold(peaks: Sequence[bytes]) -> bytes:
    """Give the root of the tree that falls into these peaks, largest first."""
    if not peaks:
        return EMPTY
    *others, root = peaks
    for peak in reversed(others):
        root = node_hash(peak, root)
    return root


def peaks_of(span: Span) -> Iterator[Subtree]:
    """Name the perfect subtrees that a span of a proof falls into, largest first.

    The span must begin where a subtree at least as large as itself does, as those of `root`,
    `inclusion` and `consistency` do.
    """
    start, end = span
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def span_hash(span: Span, lookup: Lookup) -> bytes:
    """Give the hash of a span of a proof, from the perfect subtrees that `lookup` knows."""
    return fold([lookup(subtree) for subtree in peaks_of(span)])


def inclusion(index: int, size: int) -> list[Span]:
    """Name the hashes that prove leaf `index` (from 0) in the tree of `size`: RFC 9162, 2.1.3.1."""
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
    """Name the hashes that prove the tree of `first` leaves a beginning of the one of `second`.

    RFC 9162, 2.1.4.1, with 0 < first <= second; equal sizes need no proof.
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
    # What is left is the end of the first tree: its hash is known to the asker only where it
    # is the whole of that tree.
    return ([] if start == 0 else [(start, end)]) + path[::-1]


def _split(size: int) -> int:
    """Give the largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)
