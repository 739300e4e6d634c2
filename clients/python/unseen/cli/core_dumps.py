"""No core dump of a process that holds a PIN, and no look into its memory."""

import sys

_PR_SET_DUMPABLE = 4  # <linux/prctl.h>


def forbid() -> None:
    """Turn core dumps of this process off, also those that are piped to a program (on Linux)."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - not available on Windows

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - commands without a PIN start faster without it

        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
