"""How much a key may ask, and whether what it asks looks like probing: numbers only, no SQL."""

from .bucket import Bucket
from .probing import HitRate, Neighbourhoods, Told

__all__ = ["Bucket", "HitRate", "Neighbourhoods", "Told"]
