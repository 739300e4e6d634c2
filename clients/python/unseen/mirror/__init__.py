"""A platform's own copy of the hashes, so that its uploads never leave its walls.

One process keeps it in step (`Mirror`), any number search it (`LocalCopy`) meanwhile. The copy is
a folder: `hashes.ndjson`, and, where the package `unseen-index` is installed, an index of it.
"""

from .keeper import Mirror
from .local import LocalCopy
from .pages import Round

__all__ = ["LocalCopy", "Mirror", "Round"]
