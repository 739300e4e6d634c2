"""Whether a worker responds: it is asked without waiting, once per turn of the supervisor.

Waiting for a worker that hangs would keep the supervisor from replacing others that died.
"""

from multiprocessing.connection import Connection


class WorkerResponses:
    """One worker, asked through uvicorn's pipe: it answers each ping with whether it serves."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._asked_at: float | None = None
        self._has_responded = False

    def silent_for(self, now: float) -> float | None:
        """Ask unless a question is open. Return for how many seconds that has been, as of `now`.

        None: the worker responds, or never has: one that is starting takes as long as it takes.
        """
        try:
            while self._pipe.poll(0):
                self._pipe.recv()
                self._has_responded, self._asked_at = True, None
            if self._asked_at is None:
                self._pipe.send(b"ping")
                self._asked_at = now
        except (OSError, EOFError):
            return None  # it is ending: its exit code will tell
        return now - self._asked_at if self._has_responded else None
