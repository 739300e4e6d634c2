"""The package's own error; a wrong argument raises ValueError.

DamagedTableError   a saved table is missing, damaged, truncated or in another format
"""


class DamagedTableError(Exception):
    """A saved table cannot be used; the message names the file and says what to do."""
