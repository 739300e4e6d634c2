"""Exact Hamming search over 256-bit PDQ hashes.

The public API is `HashTable`, the `Hits` that its searches return, and `DamagedTableError`;
everything else is private.
"""

from .errors import DamagedTableError
from .hits import Hits
from .table import HashTable

__all__ = ["DamagedTableError", "HashTable", "Hits"]
