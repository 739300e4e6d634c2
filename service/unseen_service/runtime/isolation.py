"""What a process of the service does first, so that other accounts learn nothing from its files.

It sets the umask, whatever the shell or the supervisor of an older version has set, and turns core
dumps off: a dump contains keys, PINs and hashes, and is written wherever the system puts it.
"""

import ctypes
import os
import resource
import sys

_UMASK = 0o077
_PR_SET_DUMPABLE = 4  # <linux/prctl.h>


def isolate_process() -> None:
    """Create files for our account only, and write no core dump, here and in child processes."""
    os.umask(_UMASK)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def forbid_tracing() -> None:
    """Let no process of our own account read this one's memory; on Linux only.

    It also stops dumps that are piped to a program, which no limit does. Not for the supervisor:
    workers open its shared memory through /proc, which this closes.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
