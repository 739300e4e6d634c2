"""The account that PostgreSQL runs as (it refuses root), and how to run a command as it.

If we are root, it is an account that nothing else runs as: `nobody` is many programs' account, and
each of them could have changed the database, read our environment and planted links for root.
"""

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .errors import EmbeddedPostgresError

if sys.platform != "win32":
    import pwd

_LAUNCH = Path(__file__).with_name("launch.py")
OWN_ACCOUNT = "unseen-postgres"
_CREATE = ("--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent")
_CREATE_TRIES = 20
NOBODY = 65_534
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH")
"""What PostgreSQL needs of our environment: where programs and libraries are. Other variables may
be secrets, or change what it does (PG*, LC_*)."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Account:
    """An account of this machine other than root."""

    name: str
    uid: int
    gid: int

    @classmethod
    def choose(cls, run_as: str | None, owner: int | None) -> "Account":
        """Return our own account; as root, `run_as`, else PG_RUN_AS, else `owner`, else its own.

        `owner` is the user ID that owns existing data, if any. The account `unseen-postgres` is
        created if it is needed and missing. Raises EmbeddedPostgresError if there is no such
        account, or if it is root or `nobody`.
        """
        if os.geteuid() != 0:
            return cls._look_up(os.geteuid())
        named = run_as or os.environ.get("PG_RUN_AS")
        if named or (owner and owner != NOBODY):
            return cls._look_up(named or owner or 0)
        if not _exists(OWN_ACCOUNT):
            _create(OWN_ACCOUNT)
        return cls._look_up(OWN_ACCOUNT)

    @classmethod
    def _look_up(cls, name_or_uid: str | int) -> "Account":
        try:
            entry = (
                pwd.getpwnam(name_or_uid)
                if isinstance(name_or_uid, str)
                else pwd.getpwuid(name_or_uid)
            )
        except KeyError:
            raise EmbeddedPostgresError(
                f"PostgreSQL cannot run as {name_or_uid}: this machine has no such account.",
                hint="Set PG_RUN_AS to an existing account, or DATABASE_URL to a server.",
            ) from None
        if entry.pw_uid == 0:
            raise EmbeddedPostgresError(
                "PostgreSQL refuses to run as root.",
                hint=f"Set PG_RUN_AS to another account, or unset it to use {OWN_ACCOUNT}.",
            )
        if os.geteuid() == 0 and entry.pw_uid == NOBODY:
            raise EmbeddedPostgresError(
                f"PostgreSQL must not run as {entry.pw_name}: any program may run as it.",
                hint=f"Set PG_RUN_AS to another account, or unset it to use {OWN_ACCOUNT}.",
            )
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)

    def make_private(self, folder: Path) -> None:
        """Make this account the owner of a folder that we created, and the only one to enter it."""
        folder.chmod(0o700)
        if os.geteuid() == 0:
            os.chown(folder, self.uid, self.gid)

    def let_read(self, file: Path) -> None:
        """Let this account read a file of ours, and not change it."""
        if os.geteuid() != self.uid:
            os.chown(file, -1, self.gid, follow_symlinks=False)
            file.chmod(0o640)

    @property
    def group(self) -> int | None:
        """The group that has to pass through our folders; None if the account is our own."""
        return None if os.geteuid() == self.uid else self.gid

    @staticmethod
    def name_of_service() -> str:
        """Return the name of the account that we run as, which logs in to the database."""
        return pwd.getpwuid(os.geteuid()).pw_name

    def can_enter(self, folder: Path) -> bool:
        """Return whether this account can enter `folder`: by trying, since modes omit ACLs."""
        if os.geteuid() == self.uid:
            return os.access(folder, os.X_OK)
        completed = subprocess.run(
            ["/bin/sh", "-c", 'cd -- "$0"', str(folder)],
            cwd="/",
            env={},
            user=self.uid,
            group=self.gid,
            extra_groups=[],
            stderr=subprocess.DEVNULL,
            check=False,
        )
        return completed.returncode == 0

    def popen(
        self, command: list[str], *, log: IO[bytes], cluster: Path | None = None
    ) -> "subprocess.Popen[bytes]":
        """Start `command` as this account; it receives SIGQUIT when the calling THREAD ends.

        For a postmaster, SIGQUIT is an immediate shutdown: it ends within milliseconds and loses
        no commit. The process has its own session, so Ctrl-C in a terminal reaches us only, and
        we stop it. With `cluster`, a pid file that a dead server left there is replaced first.
        """
        ids = [signal.SIGQUIT.value, os.getpid(), self.uid, self.gid]
        return subprocess.Popen(
            [
                sys.executable,
                "-I",
                "-S",
                str(_LAUNCH),
                *map(str, ids),
                str(cluster or ""),
                *command,
            ],
            cwd="/",
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _create(name: str) -> None:
    """Create a system account without a home or a login. Raises EmbeddedPostgresError."""
    system_path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    useradd = shutil.which("useradd", path=system_path)
    nologin = shutil.which("nologin", path=system_path) or "/bin/false"
    for _ in range(_CREATE_TRIES if useradd else 0):  # another process may have locked the files
        command = [str(useradd), *_CREATE, "--shell", nologin, name]
        completed = subprocess.run(command, env={}, capture_output=True, check=False)
        if completed.returncode == 0:
            logger.warning("created the account %s: the embedded PostgreSQL runs as it", name)
        if _exists(name):
            return
        time.sleep(0.1)
    raise EmbeddedPostgresError(
        f"PostgreSQL refuses to run as root, and the account {name} cannot be created.",
        hint=f"Create it (useradd --system {name}), or set PG_RUN_AS to an account that nothing "
        "else runs as, or set DATABASE_URL.",
    )
