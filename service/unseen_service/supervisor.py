"""Workers, each a process of its own: started, replaced when one dies, ended with their parent."""

import ctypes
import errno
import logging
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from typing import TypeAlias

import uvicorn
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

_PR_SET_PDEATHSIG = 1
_FILES = 65_536
_ORPHANS_GONE_WITHIN_S = 10.0

_SUPERVISOR = "UNSEEN_SUPERVISOR_PID"
_WAITS = "UNSEEN_WORKER_WAITS_S"
_WHILE_OTHERS_SERVE, _WHILE_NOBODY_SERVES = 60.0, 5.0
_IMPORTED_WITHIN_S = 30.0

Tend: TypeAlias = Callable[[], None]

logger = logging.getLogger(__name__)


def supervise(config: uvicorn.Config, tend: Tend, renew: Tend) -> None:
    """Serve until told to stop, from `config.workers` processes that share one socket.

    `tend` is called twice a second, in this thread, to look after what else they need; `renew`
    before all of them are replaced, which SIGHUP asks for.
    """
    os.environ[_SUPERVISOR] = str(os.getpid())
    _open_more_files()
    _wait_for_orphans(config.host, config.port)
    _Supervisor(config, tend, renew).run()


def _open_more_files() -> None:
    """Let workers have more files open, and so connections, than the usual 1,024.

    The soft limit is low for the sake of programs that use select(); the hard one is meant.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _wait_for_orphans(host: str, port: int) -> None:
    """Wait a moment while the address is taken.

    A worker that was only being started when an earlier supervisor was killed holds it until it
    notices. Whatever else is the matter with the address, uvicorn tells.
    """
    deadline = time.monotonic() + _ORPHANS_GONE_WITHIN_S
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((host, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    return
            else:
                return
        time.sleep(0.1)


class _Supervisor(Multiprocess):
    def __init__(self, config: uvicorn.Config, tend: Tend, renew: Tend) -> None:
        super().__init__(config, sockets=[config.bind_socket()])
        self._tend, self._renew = tend, renew

    def run(self) -> None:
        """Run until told to stop; where it cannot go on, the workers end first."""
        try:
            super().run()
        except BaseException:
            self.terminate_all()
            self.join_all()
            raise

    def keep_subprocess_alive(self) -> None:
        """Replace workers that died, and tend the rest."""
        self._tend()
        self._have_successors_wait()
        for each in self.processes:
            # While we hold it open, one that dies as it is asked looks like one that hangs.
            each.child_conn.close()
        super().keep_subprocess_alive()

    def restart_all(self) -> None:
        """Replace each worker in turn, once its successor answers: no request is refused.

        uvicorn gives a successor as long as a ping may take, and gives up on a busy machine.
        """
        self._renew()
        self._have_successors_wait()
        for place, old in enumerate(self.processes):
            new = Process(self.config, self.sockets)
            new.start()
            if not self._comes_up(new):
                new.kill()
                new.join()
                logger.error("a new worker did not come up; the workers are left as they are")
                return
            old.terminate()
            old.join()
            self.processes[place] = new

    def _have_successors_wait(self) -> None:
        """Have who is started from here on take connections once it can answer.

        Until then they wait with the others, or for the one that comes: a worker that has not
        loaded its index would refuse its share of them. The first workers are not waited for:
        they tell how far they are.
        """
        others = any(each.process.is_alive() for each in self.processes)
        os.environ[_WAITS] = str(_WHILE_OTHERS_SERVE if others else _WHILE_NOBODY_SERVES)

    def _comes_up(self, worker: Process) -> bool:
        until = time.monotonic() + _WHILE_OTHERS_SERVE + _IMPORTED_WITHIN_S
        while (
            worker.process.is_alive() and time.monotonic() < until and not self._is_told_to_stop()
        ):
            self._tend()
            if worker.is_ready(timeout=1):
                return True
            time.sleep(0.1)
        return False

    def _is_told_to_stop(self) -> bool:
        return not {signal.SIGINT, signal.SIGTERM}.isdisjoint(self.signal_queue)


def waits(environment: Mapping[str, str]) -> float:
    """Read for how many seconds a worker may keep connections waiting until it can answer."""
    return float(environment.get(_WAITS, 0))


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
