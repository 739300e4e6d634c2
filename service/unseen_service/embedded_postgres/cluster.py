"""A data directory of PostgreSQL (a "cluster"): its path, its creation, the server on it."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .account import Account
from .errors import EmbeddedPostgresError

SUPERUSER = "unseen"
PORT = 5432  # only names the socket: nothing listens on a network


def resolve_cluster(link: Path, account: Account, system_folder: Path) -> Path:
    """Return the real path of the cluster at `link`.

    That is `link` itself, unless we are root and `account` cannot enter its parent (a checkout
    under /root, for example). Then it is a new folder in `system_folder`, and `link` becomes a
    symbolic link to it.
    """
    if not link.is_symlink() and not account.can_enter(link.parent):
        if link.exists():
            raise EmbeddedPostgresError(
                f"The account {account.name} cannot enter {link.parent}, which contains its data.",
                hint="Allow it (chmod a+x on the folders above), or use another data directory.",
            )
        system_folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="data-", dir=system_folder))
        folder.chmod(0o711)
        link.symlink_to(folder / link.name)
    return link.resolve()


def initdb(cluster: Path, bindir: Path, major: int, account: Account, log: Path) -> None:
    """Create the cluster under a temporary name, then rename it: by its name it is complete.

    Raises EmbeddedPostgresError.
    """
    for abandoned in cluster.parent.glob(f".{cluster.name}.new-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    cluster.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix=f".{cluster.name}.new-", dir=cluster.parent))
    account.make_private(staged)
    # `trust` is safe: nothing listens on a network, and the socket's folder has mode 0700.
    command = [str(bindir / "initdb"), "-D", str(staged), "-U", SUPERUSER, "-A", "trust"]
    command += ["-E", "UTF8", "--locale=C", "--no-instructions"]
    if major >= 17:  # the same collation on every machine, independent of system locales
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    with log.open("ab") as output:
        if account.popen(command, log=output).wait() != 0:
            raise EmbeddedPostgresError(
                "initdb could not create the data directory.", hint=f"The reason is in {log}."
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
    """The contents of postmaster.pid (miscadmin.h: LOCK_FILE_LINE_…); it survives a crash."""

    path: Path
    pid: int
    socket_folder: Path

    @classmethod
    def read(cls, cluster: Path) -> "PidFile | None":
        """Parse the cluster's file. Return None if it is missing or incomplete."""
        path = cluster / "postmaster.pid"
        try:
            lines = path.read_text().splitlines()
            return cls(path, int(lines[0]), Path(lines[4] if len(lines) > 4 else cluster))
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def is_served(self) -> bool:
        """Return whether its process is a running postgres on this very cluster.

        We check the process's command line: every account can read it, and a zombie has none.
        """
        return f"/postgres -D {self.path.parent} " in _command_line(self.pid)


def _command_line(pid: int) -> str:
    """Return the command line of a process, separated by spaces; "" if it has ended."""
    if Path("/proc/self").exists():
        try:
            return (
                Path(f"/proc/{pid}/cmdline").read_text(errors="surrogateescape").replace("\0", " ")
            )
        except OSError:
            return ""
    command = ["ps", "-o", "args=", "-p", str(pid)]  # macOS
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def replace_stale_pid(cluster: Path) -> None:
    """Replace the PID of a dead server in the cluster's pid file by our own; signal nobody.

    Another process may have that PID by now, and then postgres would refuse to start. Call this
    with the lock held, and only if no server runs on the cluster. Postgres, as our child, takes
    our PID for stale. The rest of the file is needed: it lets postgres see orphans of the old
    server that still use its shared memory, and wait for them to end.
    """
    stale = PidFile.read(cluster)
    if stale is None:
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        return
    rest = stale.path.read_text().split("\n", 1)[1:]
    stale.path.write_text("\n".join([str(os.getpid()), *rest]))
    (stale.socket_folder / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
