"""A platform's own copy of the hashes, so that its uploads are matched on its own servers.

One process keeps the copy up to date (`Mirror`), and any number search it meanwhile (`LocalCopy`).
The copy is a folder with `hashes.ndjson` and, if the package `unseen-index` is installed, an index.
"""

from .file_format import Round
from .local_copy import LocalCopy
from .mirror import Mirror

__all__ = ["LocalCopy", "Mirror", "Round"]
