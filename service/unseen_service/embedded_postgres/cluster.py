"""A data folder of PostgreSQL (a "cluster"): where it lies, how it is made, who serves it."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .account import Account
from .errors import EmbeddedPostgresError

SUPERUSER = "unseen"
PORT = 5432  # only the name of the socket: nothing listens on a network


def place(link: Path, account: Account, shelter: Path) -> Path:
    """Return where the cluster asked for at `link` really lies.

    That is `link` itself, unless we are root and `account` cannot enter the folder around it (a
    checkout under /root, say). Then it is a new folder under `shelter`, and `link` points there.
    """
    if not link.is_symlink() and not account.can_enter(link.parent):
        if link.exists():
            raise EmbeddedPostgresError(
                f"The account {account.name} cannot enter {link.parent}, where its data lies.",
                hint="Let it in again (chmod a+x on the folders above), or use other data.",
            )
        shelter.mkdir(mode=0o755, parents=True, exist_ok=True)
        room = Path(tempfile.mkdtemp(prefix="data-", dir=shelter))
        room.chmod(0o711)
        link.symlink_to(room / link.name)
    return link.resolve()


def initdb(cluster: Path, bindir: Path, major: int, account: Account, log: Path) -> None:
    """Make the cluster beside its place, then rename it: half-made, it never has the name."""
    for abandoned in cluster.parent.glob(f".{cluster.name}.new-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    cluster.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix=f".{cluster.name}.new-", dir=cluster.parent))
    account.own(staged)
    # `trust` is safe: no network address is listened on, and the socket's folder is 0700.
    command = [str(bindir / "initdb"), "-D", str(staged), "-U", SUPERUSER, "-A", "trust"]
    command += ["-E", "UTF8", "--locale=C", "--no-instructions"]
    if major >= 17:  # the same collation on every machine, without a locale of the system's
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    with log.open("ab") as output:
        if account.popen(command, log=output).wait() != 0:
            raise EmbeddedPostgresError(
                "initdb could not make the data folder.", hint=f"The reason is in {log}."
            )
    staged.rename(cluster)
    _sync(cluster.parent)


def _sync(folder: Path) -> None:
    """Make a rename inside `folder` durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@dataclass(frozen=True)
class PidFile:
    """What postmaster.pid says (miscadmin.h: LOCK_FILE_LINE_…); it outlives a crash."""

    path: Path
    pid: int
    socket_folder: Path

    @classmethod
    def read(cls, cluster: Path) -> "PidFile | None":
        """Return what the cluster's file says; None when there is none, or nothing is in it."""
        path = cluster / "postmaster.pid"
        try:
            lines = path.read_text().splitlines()
            return cls(path, int(lines[0]), Path(lines[4] if len(lines) > 4 else cluster))
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def is_served(self) -> bool:
        """Whether the process it names is a living postgres on this very cluster.

        Its command line tells, which all may read, and which a zombie no longer has.
        """
        return f"/postgres -D {self.path.parent} " in _command_line(self.pid)


def _command_line(pid: int) -> str:
    """Return the command line of a process, for looking into; "" when it has ended."""
    if Path("/proc/self").exists():
        try:
            return (
                Path(f"/proc/{pid}/cmdline").read_text(errors="surrogateescape").replace("\0", " ")
            )
        except OSError:
            return ""
    command = ["ps", "-o", "args=", "-p", str(pid)]  # macOS
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def disown_stale_pid(cluster: Path) -> None:
    """Free the cluster from the pid file of a server that is gone; signal nobody.

    The number in it may be a stranger's by now, and postgres would refuse to start. Call it with
    the lock held, and only when nothing serves the cluster. The file is not removed but given our
    own pid, which postgres, our child, takes for stale: what else it says lets postgres see
    orphans of the old server that still hold its shared memory, and wait for them to end.
    """
    stale = PidFile.read(cluster)
    if stale is None:
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        return
    rest = stale.path.read_text().split("\n", 1)[1:]
    stale.path.write_text("\n".join([str(os.getpid()), *rest]))
    (stale.socket_folder / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
