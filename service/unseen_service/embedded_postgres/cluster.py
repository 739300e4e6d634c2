"""A data directory of PostgreSQL (a "cluster"): its path, its creation, the server on it."""

import errno
import os
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..runtime.private_files import check_folder, open_file
from .account import Account
from .errors import EmbeddedPostgresError

SUPERUSER = "unseen"
_PID_FILE_BYTES = 4_096
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
        make_system_folder(system_folder)
        folder = Path(tempfile.mkdtemp(prefix="data-", dir=system_folder))
        folder.chmod(0o711)
        link.symlink_to(folder / link.name)
    cluster = link.resolve()
    check_folder(cluster.parent)
    return cluster


def make_system_folder(folder: Path) -> None:
    """Create a folder of root's that every account can enter. Raises FilesExposed."""
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(0o755)  # not by mkdir, which obeys the umask
    check_folder(folder)


def initdb(cluster: Path, bindir: Path, major: int, account: Account, log: Path) -> None:
    """Create the cluster under a temporary name, then rename it: by its name it is complete.

    Raises EmbeddedPostgresError.
    """
    for abandoned in cluster.parent.glob(f".{cluster.name}.new-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    cluster.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix=f".{cluster.name}.new-", dir=cluster.parent))
    account.make_private(staged)
    command = [str(bindir / "initdb"), "-D", str(staged), "-U", SUPERUSER, "-A", "peer"]
    command += ["-E", "UTF8", "--locale=C", "--no-instructions"]
    if major >= 17:  # the same collation on every machine, independent of system locales
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    with open_log(log) as output:
        if account.popen(command, log=output).wait() != 0:
            raise EmbeddedPostgresError(
                "initdb could not create the data directory.", hint=f"The reason is in {log}."
            )
    staged.rename(cluster)
    _sync(cluster.parent)


def open_log(log: Path) -> IO[bytes]:
    """Open the log to append to it; it belongs to us, and PostgreSQL is given a descriptor."""
    return os.fdopen(open_file(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab")


def write_access_rules(cluster: Path, account: Account, major: int) -> dict[str, str]:
    """Write who may log in: our own account, as any role, and nobody else. Return the settings.

    PostgreSQL compares the account at the other end of the socket (`peer`). So its own account
    cannot log in if we are root: any process of it would otherwise be the superuser. The files
    are ours, beside the cluster: older clusters have rules of their own that trust everybody.
    """
    # An older version, which only tests run, cannot map an account to all roles.
    peer = "peer map=unseen" if major >= 16 else "trust"
    contents = {
        "hba": f"local all all {peer}\nlocal replication all {peer}\n",
        "ident": f'unseen "{account.name_of_service()}" all\n',
    }
    for name, text in contents.items():
        path = cluster.with_name(f"{cluster.name}.{name}")
        with os.fdopen(open_file(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w") as file:
            file.write(text)
        account.let_read(path)
    return {f"{name}_file": str(cluster.with_name(f"{cluster.name}.{name}")) for name in contents}


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
            lines = _read_regular_file(path).splitlines()
            return cls(path, int(lines[0]), Path(lines[4] if len(lines) > 4 else cluster))
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def is_served(self) -> bool:
        """Return whether its process is a running postgres on this very cluster.

        We check the process's command line: every account can read it, and a zombie has none.
        """
        return f"/postgres -D {self.path.parent} " in _command_line(self.pid)


def _read_regular_file(path: Path) -> str:
    """Return the text of a file, "" if it is a link, a FIFO or another thing that is no file.

    The account of PostgreSQL can put anything there, and we may be root.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    except OSError as error:
        if error.errno == errno.ELOOP:
            return ""
        raise
    with os.fdopen(descriptor, "rb") as file:
        is_regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return os.fsdecode(file.read(_PID_FILE_BYTES)) if is_regular else ""


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
