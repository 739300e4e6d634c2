"""Workers, each a process of its own: started, replaced when one dies, ended with their parent."""

import ctypes
import os
import signal
import sys

import uvicorn
from uvicorn.supervisors import Multiprocess

_PR_SET_PDEATHSIG = 1


_SUPERVISOR = "UNSEEN_SUPERVISOR_PID"


def supervise(config: uvicorn.Config) -> None:
    """Serve until told to stop, from `config.workers` processes that share one socket."""
    os.environ[_SUPERVISOR] = str(os.getpid())
    Multiprocess(config, sockets=[config.bind_socket()]).run()


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
