"""What can go wrong with a table, beside a ValueError for a wrong argument.

DamagedTableError the files of a saved table are missing, damaged, truncated or not ours
"""


class DamagedTableError(Exception):
    """The files of a saved table cannot be trusted; the message says which and what to do."""
