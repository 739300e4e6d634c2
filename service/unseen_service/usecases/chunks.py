"""Bulk requests of platforms in chunks: others get the change log's lock between two of them."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

CHUNK = 250
"""Hashes that one transaction of a bulk request writes."""

Item = TypeVar("Item")


def chunks(items: Sequence[Item], size: int = CHUNK) -> Iterator[Sequence[Item]]:
    """Yield runs of at most `size` items, in their order."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
