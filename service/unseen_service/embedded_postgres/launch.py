"""Become a server that dies with its parent: drop root, request a parent-death signal, exec.

It runs as a script, `python -I -S launch.py SIGNAL PARENT UID GID CLUSTER COMMAND...`, because a
`preexec_fn` is unsafe once the parent has threads. The order matters. Changing the user clears the
parent-death signal, so we request it afterwards. If the parent died before that, no signal will
come, so we check the parent last. Uses the standard library only.

Whatever is changed inside the cluster is changed here, once root is dropped: the account that owns
the cluster may have put links there, and must not be able to have root follow them.
"""

import contextlib
import ctypes
import os
import resource
import stat
import sys

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main(signum: int, parent: int, uid: int, gid: int, *, cluster: str, command: list[str]) -> None:
    """Replace this process by `command`, running as `uid` and `gid`; it ends with `parent`.

    If `cluster` is not empty, the pid file that a dead server left in it is replaced first.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # memory of the database, written to a file
    if uid != os.geteuid():
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signum, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
        if os.getppid() != parent:
            sys.exit("the parent process has ended")
    if cluster:
        replace_stale_pid(cluster)
    os.execv(command[0], command)  # noqa: S606 (a list, without a shell)


def replace_stale_pid(cluster: str) -> None:
    """Replace the PID of a dead server in the cluster's pid file by our own; signal nobody.

    Another process may have that PID by now, and then postgres would refuse to start. It takes its
    own PID, which will be ours, for stale. The rest of the file is needed: it lets postgres see
    orphans of the old server that still use its shared memory, and wait for them to end.
    """
    path, draft = f"{cluster}/postmaster.pid", f"{cluster}/postmaster.pid.new"
    lines = _read_lines(path)
    if not lines[0].isdigit():
        _remove(path)  # missing, damaged, or no file at all
        return
    _remove(draft)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(descriptor, b"\n".join([b"%d" % os.getpid(), *lines[1:]]))
    os.close(descriptor)
    os.replace(draft, path)  # noqa: PTH105 - pathlib takes time to import
    if len(lines) > 4:
        _remove(os.fsdecode(lines[4] + b"/.s.PGSQL." + lines[3] + b".lock"))


def _read_lines(path: str) -> list[bytes]:
    """Return the lines of a file; one empty line if it is missing or no regular file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return [b""]
    try:
        is_regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return os.read(descriptor, 4_096).split(b"\n") if is_regular else [b""]
    finally:
        os.close(descriptor)


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):  # whatever is wrong with it, postgres reports
        os.unlink(path)  # noqa: PTH108


if __name__ == "__main__":
    SIGNAL, PARENT, UID, GID = map(int, sys.argv[1:5])
    main(SIGNAL, PARENT, UID, GID, cluster=sys.argv[5], command=sys.argv[6:])
