"""Under which account PostgreSQL runs (it refuses root), and how a command is run as that one."""

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
    """An account of this machine, other than root's."""

    name: str
    uid: int
    gid: int

    @classmethod
    def choose(cls, run_as: str | None, owner: int | None) -> "Account":
        """Our own account; or, as root, `run_as`, else PG_RUN_AS, else `owner`, else nobody's.

        `owner` is the user id that owns the data already there, if any.
        """
        if os.geteuid() != 0:
            return cls._of(os.geteuid())
        named = run_as or os.environ.get("PG_RUN_AS")
        return cls._of(named or owner or "nobody")

    @classmethod
    def _of(cls, who: str | int) -> "Account":
        try:
            entry = pwd.getpwnam(who) if isinstance(who, str) else pwd.getpwuid(who)
        except KeyError:
            raise EmbeddedPostgresError(
                f"PostgreSQL needs an account to run as, and this machine has no account {who}.",
                hint="Set PG_RUN_AS to one it has (as root), or DATABASE_URL to a server.",
            ) from None
        if entry.pw_uid == 0:
            raise EmbeddedPostgresError(
                "PostgreSQL refuses to run as root.",
                hint="Set PG_RUN_AS to another account, or leave it out for `nobody`.",
            )
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)

    def own(self, folder: Path) -> None:
        """Give a folder that we have just made to this account, for it alone."""
        folder.chmod(0o700)
        if os.geteuid() == 0:
            os.chown(folder, self.uid, self.gid)

    def can_enter(self, folder: Path) -> bool:
        """Whether this account can reach `folder`: tried, since modes do not tell all (ACLs)."""
        if os.geteuid() == self.uid:
            return os.access(folder, os.X_OK)
        done = subprocess.run(
            ["/bin/sh", "-c", 'cd -- "$0"', str(folder)],
            cwd="/",
            user=self.uid,
            group=self.gid,
            extra_groups=[],
            stderr=subprocess.DEVNULL,
            check=False,
        )
        return done.returncode == 0

    def popen(self, command: list[str], *, log: IO[bytes]) -> "subprocess.Popen[bytes]":
        """Start `command` as this account; SIGQUIT reaches it when the calling THREAD ends.

        To a postmaster, SIGQUIT is an immediate shutdown: gone in milliseconds, no commit lost.
        It has a session of its own, so that Ctrl-C in a terminal stops us first, and we stop it.
        """
        ids = [signal.SIGQUIT.value, os.getpid(), self.uid, self.gid]
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(_LAUNCH), *map(str, ids), *command],
            cwd="/",
            env=_plain_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _plain_environment() -> dict[str, str]:
    """Our environment without what would bend PostgreSQL: its PG* and the locale."""
    bent = ("PG", "LC_")
    return {k: v for k, v in os.environ.items() if not k.startswith(bent) and k != "LANG"}
