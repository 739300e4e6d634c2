"""Become a server that dies with its parent: drop root, request a parent-death signal, exec.

It runs as a script, `python -I -S launch.py SIGNAL PARENT UID GID COMMAND...`, because a
`preexec_fn` is unsafe once the parent has threads. The order matters. Changing the user clears the
parent-death signal, so we request it afterwards. If the parent died before that, no signal will
come, so we check the parent last. Uses the standard library only.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main(signum: int, parent: int, uid: int, gid: int, command: list[str]) -> None:
    """Replace this process by `command`, running as `uid` and `gid`; it ends with `parent`."""
    if uid != os.geteuid():
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signum, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
        if os.getppid() != parent:
            sys.exit("the parent process has ended")
    os.execv(command[0], command)  # noqa: S606 (a list, without a shell)


if __name__ == "__main__":
    SIGNAL, PARENT, UID, GID = map(int, sys.argv[1:5])
    main(SIGNAL, PARENT, UID, GID, sys.argv[5:])
