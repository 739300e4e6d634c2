"""Which workers of a host take connections: one that only loads leaves them to those that serve.

The workers listen on one socket, and who takes a connection has to answer it. So one that is
started beside others, in the place of one that died say, listens once its index is loaded. Where
no other serves, the first workers listen at once, for somebody has to say what is being waited
for; one that succeeds another leaves connections in the socket's queue for a moment first.

Who serves holds a lock on the file that the workers have in common, together with all the others
who do; it is let go of with the process, however that ends.
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

_LOOK_EVERY_S = 0.1
_ALONE_S = 5.0


class AcceptGate:
    """The door of a host's workers; raises OSError where the file cannot be opened.

    `alone` is for how many seconds a worker waits for its index though no other serves.
    """

    def __init__(self, path: Path, alone: float = 0.0) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._alone = alone

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "AcceptGate | None":
        """Find the door by the environment; None where there is none to be had."""
        if PATH_VARIABLE in environment:
            with suppress(OSError):
                alone = _ALONE_S if REPLACES_WORKER_VARIABLE in environment else 0.0
                return cls(Path(environment[PATH_VARIABLE]), alone)
        return None

    def close(self) -> None:
        """Serve no more."""
        os.close(self._file)

    async def wait(self, loaded: asyncio.Event) -> None:
        """Wait until this worker is loaded; where no other serves, only for a moment."""
        until = time.monotonic() + self._alone
        while not loaded.is_set() and (self._others_serve() or time.monotonic() < until):
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await loaded.wait()

    async def serve(self, loaded: asyncio.Event) -> None:
        """Be one of those that serve, as soon as this worker is loaded."""
        await loaded.wait()
        # Another holds it alone for no longer than it takes to see that nobody serves.
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def _others_serve(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(self._file, fcntl.LOCK_UN)
        return False
