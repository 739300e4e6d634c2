"""Worker processes: started, replaced when one dies, ended with their parent.

It subclasses private parts of uvicorn, which is why service/pyproject.toml pins its minor version.
"""

import ctypes
import errno
import logging
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import TypeAlias
from weakref import WeakKeyDictionary

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from ..errors import AddressInvalid
from .worker_responses import WorkerResponses

_PR_SET_PDEATHSIG = 1
_MAX_OPEN_FILES = 65_536
_ORPHAN_EXIT_TIMEOUT_S = 10.0
_POLL_INTERVAL_S = 0.1

_SUPERVISOR_VARIABLE = "UNSEEN_SUPERVISOR_PID"
REPLACES_WORKER_VARIABLE = "UNSEEN_WORKER_SUCCEEDS"
"""Set in the environment of a worker that replaces another; not a setting.

The name is that of 0.1.0, whose supervisors start workers of this version after an upgrade.
"""

REPLACED_FOR_VARIABLE = "UNSEEN_WORKER_REPLACED_FOR"
"""Set in the environment of a worker that replaces another: why. Not a setting."""

_HANGS_AFTER_S = 30.0
"""A worker that served may be silent for this long: a starved machine is slow, not stuck."""

_EXTRA_STOP_S = 10.0
"""A worker that takes this long to stop, after its last requests are dropped, is killed."""

logger = logging.getLogger(__name__)

HealthCallback: TypeAlias = Callable[[], None]


def supervise(
    config: uvicorn.Config, check_health: HealthCallback, operator: socket.socket | None = None
) -> None:
    """Serve until told to stop, with `config.workers` processes that share one socket.

    They also listen on `operator`, the socket of the operator's address. `check_health` is called
    twice per second, in this thread, to look after whatever else the workers need (the embedded
    PostgreSQL).
    """
    os.environ[_SUPERVISOR_VARIABLE] = str(os.getpid())
    _raise_file_limit()
    wait_for_address(config.host, config.port)
    _Supervisor(config, check_health, operator).run()


def _raise_file_limit() -> None:
    """Let workers open more files, and so connections, than the usual 1,024.

    The soft limit is low to protect programs that use select(); the hard limit is the real one.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_OPEN_FILES)
    if wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def wait_for_address(host: str, port: int) -> None:
    """Wait for a short time while the address is in use. Raises AddressInvalid.

    If an earlier supervisor was killed, a worker that was just starting uses the port until it
    notices.
    """
    is_reported = False
    deadline = time.monotonic() + _ORPHAN_EXIT_TIMEOUT_S
    while _is_in_use(host, port):
        if time.monotonic() >= deadline:
            raise AddressInvalid(host, port, "another process listens there")
        if not is_reported:
            print(f"waiting for port {port}, which is in use ...", file=sys.stderr, flush=True)
            is_reported = True
        time.sleep(_POLL_INTERVAL_S)


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to an address. Raises AddressInvalid."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise AddressInvalid(host, port, error.strerror or str(error)) from None
    bound.set_inheritable(True)
    return bound


def _is_in_use(host: str, port: int) -> bool:
    """Return whether another process uses the address. Raises AddressInvalid if none could."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise AddressInvalid(host, port, error.strerror or str(error)) from None
            return True
    return False


class _Supervisor(Multiprocess):
    def __init__(
        self,
        config: uvicorn.Config,
        check_health: HealthCallback,
        operator: socket.socket | None,
    ) -> None:
        super().__init__(config, [config.bind_socket(), *([operator] if operator else [])])
        self._check_health = check_health
        self._responses: WeakKeyDictionary[Process, WorkerResponses] = WeakKeyDictionary()

    def run(self) -> None:
        """Run until told to stop; after an error, stop the workers before raising it."""
        try:
            super().run()
        except BaseException:
            self.terminate_all()
            self.join_all()
            raise

    def join_all(self) -> None:
        """Wait until every worker has ended; kill those that do not stop, because they hang."""
        deadline = time.monotonic() + self._stop_s
        for each in self.processes:
            _join(each, deadline)

    @property
    def _stop_s(self) -> float:
        return (self.config.timeout_graceful_shutdown or 0) + _EXTRA_STOP_S

    def init_processes(self) -> None:
        """Start the first workers. The environment tells later ones that they replace one."""
        super().init_processes()
        os.environ[REPLACES_WORKER_VARIABLE] = "1"

    def keep_subprocess_alive(self) -> None:
        """Replace workers that died, and call the health callback."""
        self._check_health()
        for each in self.processes:
            # As long as we hold this end open, a worker that dies during the check looks like
            # one that hangs.
            each.child_conn.close()
        for place, each in enumerate(self.processes):
            reason = self._why_to_replace(each)
            if reason and not self.should_exit.is_set():
                self._replace(place, reason)

    def _why_to_replace(self, worker: Process) -> str | None:
        if worker.exitcode is not None:
            return "died"
        if worker not in self._responses:
            self._responses[worker] = WorkerResponses(worker.parent_conn)
        silent = self._responses[worker].silent_for(time.monotonic())
        return "hung" if silent is not None and silent > _HANGS_AFTER_S else None

    def _replace(self, place: int, reason: str) -> None:
        """Replace a worker; stop everything if it failed before it served, as its successor would.

        A line in the log says so: a worker that is replaced again and again is easily overlooked.
        """
        old = self.processes[place]
        if reason == "hung":
            old.kill()
        old.join()
        if old.exitcode == STARTUP_FAILURE:
            logger.error("worker %s could not start; stopping", old.pid)
            self.should_exit.set()
            return
        os.environ[REPLACED_FOR_VARIABLE] = reason
        new = self.processes[place] = Process(self.config, self.sockets)
        new.start()
        logger.warning("worker %s %s; replaced by %s", old.pid, _ended(old, reason), new.pid)

    def restart_all(self) -> None:
        """Replace the workers one by one, each once its replacement serves.

        There is no time limit, but any further signal ends it: to stop, or to start over.
        """
        for place in range(len(self.processes)):
            replacement = self._start_replacement()
            if replacement is None:
                return
            logger.info("worker %s is replaced by %s", self.processes[place].pid, replacement.pid)
            self.processes[place].terminate()
            _join(self.processes[place], time.monotonic() + self._stop_s)
            self.processes[place] = replacement

    def _start_replacement(self) -> Process | None:
        """Start a worker and wait until it serves. Return None if interrupted, or if it died."""
        os.environ[REPLACED_FOR_VARIABLE] = "restart"
        replacement = Process(self.config, self.sockets)
        replacement.start()
        while not replacement.is_ready(timeout=1):
            if self.signal_queue or self.should_exit.is_set() or replacement.exitcode is not None:
                replacement.kill()
                replacement.join()
                return None
            self.keep_subprocess_alive()
            time.sleep(_POLL_INTERVAL_S)
        return replacement


def _join(worker: Process, deadline: float) -> None:
    """Wait until a worker that was told to stop has ended; kill it at the deadline."""
    worker.process.join(max(0.0, deadline - time.monotonic()))
    if worker.exitcode is None:
        logger.warning("worker %s did not stop; killed", worker.pid)
        worker.kill()
    worker.join()


def _ended(worker: Process, reason: str) -> str:
    if reason == "hung":
        return f"did not respond for {_HANGS_AFTER_S:.0f} s"
    code = worker.exitcode or 0
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"


def die_with_parent() -> None:
    """Make this process end when its parent does, even if the parent is killed.

    A worker without its supervisor would keep the port, and nothing would replace it. On Linux
    only; elsewhere an operator has to end such a worker.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have died before the signal was requested.
    if os.environ.get(_SUPERVISOR_VARIABLE, str(os.getppid())) != str(os.getppid()):
        raise SystemExit("the supervisor is gone")
