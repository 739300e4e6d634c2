"""Threads for long computations: they get a core when the event loop and PostgreSQL do not."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

_NICENESS = 10


def background_threads(count: int) -> ThreadPoolExecutor:
    """Return a pool of low-priority threads (on Linux; elsewhere, of ordinary ones).

    What they compute must release the GIL: a thread that waits for a core must not hold it.
    """
    return ThreadPoolExecutor(count, "background", initializer=_lower_priority)


def _lower_priority() -> None:
    if sys.platform == "linux":  # elsewhere the call would change the whole process
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
