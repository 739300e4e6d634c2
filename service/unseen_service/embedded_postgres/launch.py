"""Become a server that dies with its parent: drop root, ask for the parent-death signal, exec.

Run as a script, `python -I -S launch.py SIGNAL PARENT UID GID COMMAND...`, in a process of its own:
a `preexec_fn` is unsafe once the parent has threads. The order matters twice. A change of user
clears the parent-death signal, so it is asked for last; and a parent that died before that was
asked for sends none, so it is looked for afterwards. Needs only the standard library.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main(signum: int, parent: int, uid: int, gid: int, command: list[str]) -> None:
    """Replace this process with `command`, run as `uid` and `gid`, tied to `parent`'s life."""
    if uid != os.geteuid():
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signum, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
        if os.getppid() != parent:
            sys.exit("the parent process has ended")
    os.execv(command[0], command)  # noqa: S606 (a list, and no shell wanted)


if __name__ == "__main__":
    SIGNAL, PARENT, UID, GID = map(int, sys.argv[1:5])
    main(SIGNAL, PARENT, UID, GID, sys.argv[5:])
