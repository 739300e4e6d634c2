"""Workers, each a process of its own: started, replaced when one dies, ended with their parent."""

import ctypes
import signal
import sys

import uvicorn
from uvicorn.supervisors import Multiprocess

_PR_SET_PDEATHSIG = 1


def supervise(config: uvicorn.Config) -> None:
    """Serve until told to stop, from `config.workers` processes that share one socket."""
    Multiprocess(config, sockets=[config.bind_socket()]).run()


def die_with_parent() -> None:
    """Have this process end when its parent does, also when that was killed.

    A worker without its supervisor would hold the port and be replaced by nobody. On Linux
    only; elsewhere such a worker is ended by hand.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
