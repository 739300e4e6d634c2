"""Decides when a worker may accept connections: one that is loading leaves them to the others.

All workers of a host listen on the same socket, and the one that accepts a connection has to
answer it. A worker that starts beside serving ones (to replace one that died, for example)
therefore waits until its index is loaded. If no worker serves, the first workers accept at once,
so that clients learn that the service is starting; a replacement leaves connections in the
socket's queue for a short grace period first.

Serving workers share a lock (flock) on a common file. The kernel releases it when the process
ends, however that happens.
"""

import asyncio
import fcntl
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from .shared_memory import PATH_VARIABLE
from .supervisor import REPLACES_WORKER_VARIABLE

_POLL_INTERVAL_S = 0.1
_REPLACEMENT_GRACE_S = 5.0


class AcceptGate:
    """One worker's view of the lock file at `path`. Raises OSError if it cannot be opened.

    `grace_s` is how many seconds a worker waits for its index even if no other worker serves.
    """

    def __init__(self, path: Path, grace_s: float = 0.0) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._grace_s = grace_s

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "AcceptGate | None":
        """Open the file that the environment names. Return None if unavailable."""
        if PATH_VARIABLE in environment:
            with suppress(OSError):
                is_replacement = REPLACES_WORKER_VARIABLE in environment
                grace_s = _REPLACEMENT_GRACE_S if is_replacement else 0.0
                return cls(Path(environment[PATH_VARIABLE]), grace_s)
        return None

    def close(self) -> None:
        """Close the file, which releases the lock."""
        os.close(self._file)

    async def wait(self, loaded: asyncio.Event) -> None:
        """Wait until this worker may accept: it is loaded, or no other serves after the grace."""
        deadline = time.monotonic() + self._grace_s
        while not loaded.is_set() and (self._others_serve() or time.monotonic() < deadline):
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_INTERVAL_S):
                    await loaded.wait()

    async def mark_serving(self, loaded: asyncio.Event) -> None:
        """Acquire the shared lock once this worker is loaded, so that the others see it serve."""
        await loaded.wait()
        # Blocks briefly at most: others hold the lock exclusively only within `_others_serve`.
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def _others_serve(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(self._file, fcntl.LOCK_UN)
        return False
