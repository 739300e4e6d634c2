"""Workers, each a process of its own: started, replaced when one dies, ended with their parent."""

import ctypes
import errno
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import TypeAlias

import uvicorn
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from ..errors import AddressInvalid

_PR_SET_PDEATHSIG = 1
_FILES = 65_536
_ORPHANS_GONE_WITHIN_S = 10.0
_LOOK_EVERY_S = 0.1

_SUPERVISOR = "UNSEEN_SUPERVISOR_PID"
REPLACES_WORKER_VARIABLE = "UNSEEN_WORKER_SUCCEEDS"
"""Is in the environment of a worker that is started in another's place; it is no setting."""

HealthCallback: TypeAlias = Callable[[], None]


def supervise(config: uvicorn.Config, tend: HealthCallback) -> None:
    """Serve until told to stop, from `config.workers` processes that share one socket.

    `tend` is called twice a second, in this thread, to look after what else they need.
    """
    os.environ[_SUPERVISOR] = str(os.getpid())
    _open_more_files()
    wait_for_address(config.host, config.port)
    _Supervisor(config, tend).run()


def _open_more_files() -> None:
    """Let workers have more files open, and so connections, than the usual 1,024.

    The soft limit is low for the sake of programs that use select(); the hard one is meant.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def wait_for_address(host: str, port: int) -> None:
    """Wait a moment while the address is taken; raise AddressInvalid where it is not to be had.

    A worker that was only being started when an earlier supervisor was killed holds it until it
    notices.
    """
    told = False
    deadline = time.monotonic() + _ORPHANS_GONE_WITHIN_S
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((host, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise AddressInvalid(host, port, error.strerror or str(error)) from None
            else:
                return
        if not told:
            print(f"waiting for port {port}, which is taken ...", file=sys.stderr, flush=True)
            told = True
        time.sleep(0.1)
    raise AddressInvalid(host, port, "another process listens there")


class _Supervisor(Multiprocess):
    def __init__(self, config: uvicorn.Config, tend: HealthCallback) -> None:
        super().__init__(config, sockets=[config.bind_socket()])
        self._tend = tend

    def run(self) -> None:
        """Run until told to stop; where it cannot go on, the workers end first."""
        try:
            super().run()
        except BaseException:
            self.terminate_all()
            self.join_all()
            raise

    def init_processes(self) -> None:
        """Start the first workers; who is started after them is told that it succeeds one."""
        super().init_processes()
        os.environ[REPLACES_WORKER_VARIABLE] = "1"

    def keep_subprocess_alive(self) -> None:
        """Replace workers that died, and tend the rest."""
        self._tend()
        for each in self.processes:
            # While we hold it open, one that dies as it is asked looks like one that hangs.
            each.child_conn.close()
        super().keep_subprocess_alive()

    def restart_all(self) -> None:
        """Replace the workers one by one, each once its successor serves, however long that takes.

        What is asked for meanwhile comes first: to end, or to begin with this anew.
        """
        for place in range(len(self.processes)):
            successor = Process(self.config, self.sockets)
            successor.start()
            while not successor.is_ready(timeout=1):
                if self.signal_queue or self.should_exit.is_set() or successor.exitcode is not None:
                    successor.kill()
                    successor.join()
                    return
                self.keep_subprocess_alive()
                time.sleep(_LOOK_EVERY_S)
            self.processes[place].terminate()
            self.processes[place].join()
            self.processes[place] = successor


def die_with_parent() -> None:
    """Have this process end when its parent does, also when that was killed.

    A worker without its supervisor would hold the port and be replaced by nobody. On Linux
    only; elsewhere such a worker is ended by hand.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # It may have died before the signal was asked for.
    if os.environ.get(_SUPERVISOR, str(os.getppid())) != str(os.getppid()):
        raise SystemExit("the supervisor is gone")
