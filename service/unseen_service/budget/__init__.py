"""How much a key may ask, and whether what it asks looks like probing: numbers only, no SQL."""

from .bucket import Bucket
from .probing import HitRate, Neighbourhoods, Told
from .shared import HELD_IN, SharedCounts, own_block, share_counts

__all__ = [
    "HELD_IN",
    "Bucket",
    "HitRate",
    "Neighbourhoods",
    "SharedCounts",
    "Told",
    "own_block",
    "share_counts",
]
