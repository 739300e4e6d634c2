"""The account that PostgreSQL runs as (it refuses root), and how to run a command as it."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .errors import EmbeddedPostgresError

if sys.platform != "win32":
    import pwd

_LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True)
class Account:
    """An account of this machine other than root."""

    name: str
    uid: int
    gid: int

    @classmethod
    def choose(cls, run_as: str | None, owner: int | None) -> "Account":
        """Return our own account; as root, `run_as`, else PG_RUN_AS, else `owner`, else nobody.

        `owner` is the user ID that owns existing data, if any. Raises EmbeddedPostgresError if
        there is no such account, or if it is root.
        """
        if os.geteuid() != 0:
            return cls._look_up(os.geteuid())
        named = run_as or os.environ.get("PG_RUN_AS")
        return cls._look_up(named or owner or "nobody")

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
                hint="Set PG_RUN_AS to another account, or unset it to use `nobody`.",
            )
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)

    def make_private(self, folder: Path) -> None:
        """Make this account the owner of a folder that we created, and the only one to enter it."""
        folder.chmod(0o700)
        if os.geteuid() == 0:
            os.chown(folder, self.uid, self.gid)

    def can_enter(self, folder: Path) -> bool:
        """Return whether this account can enter `folder`: by trying, since modes omit ACLs."""
        if os.geteuid() == self.uid:
            return os.access(folder, os.X_OK)
        completed = subprocess.run(
            ["/bin/sh", "-c", 'cd -- "$0"', str(folder)],
            cwd="/",
            user=self.uid,
            group=self.gid,
            extra_groups=[],
            stderr=subprocess.DEVNULL,
            check=False,
        )
        return completed.returncode == 0

    def popen(self, command: list[str], *, log: IO[bytes]) -> "subprocess.Popen[bytes]":
        """Start `command` as this account; it receives SIGQUIT when the calling THREAD ends.

        For a postmaster, SIGQUIT is an immediate shutdown: it ends within milliseconds and loses
        no commit. The process has its own session, so Ctrl-C in a terminal reaches us only, and
        we stop it.
        """
        ids = [signal.SIGQUIT.value, os.getpid(), self.uid, self.gid]
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(_LAUNCH), *map(str, ids), *command],
            cwd="/",
            env=_clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _clean_environment() -> dict[str, str]:
    """Return our environment without what would change PostgreSQL: PG* and the locale."""
    unwanted = ("PG", "LC_")
    return {k: v for k, v in os.environ.items() if not k.startswith(unwanted) and k != "LANG"}
