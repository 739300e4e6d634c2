"""Exact Hamming search over 256-bit PDQ hashes.

The façade is `HashTable` and the `Hits` its searches return; everything else is private.
"""

from .table import HashTable, Hits

__all__ = ["HashTable", "Hits"]
