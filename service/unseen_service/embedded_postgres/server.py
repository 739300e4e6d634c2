"""The life of the embedded PostgreSQL: start it or join it, hand out its address, stop it."""

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

import psycopg

from .account import Account
from .binaries import major_version, packaged_bindir, within_reach
from .cluster import PORT, SUPERUSER, PidFile, disown_stale_pid, initdb, place
from .errors import EmbeddedPostgresError
from .lock import locked

DATABASE = "unseen"
SHELTER = Path("/var/lib/unseen")  # as root: for what must lie outside root's closed folders
SETTINGS = {
    "port": str(PORT),
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # No value of a row may reach the log: an error's message, detail and statement can hold one.
    "log_statement": "none",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}
_SOCKET_PATH_BYTES = 103  # sun_path: 104 on macOS, 108 on Linux, less the closing NUL
_READY_WITHIN_S = 120.0  # a long recovery after a crash included
_ORPHANS_GONE_WITHIN_S = 10.0
_STOPPED_WITHIN_S = 30.0
_log = logging.getLogger(__name__)


class EmbeddedPostgres:
    """A PostgreSQL server on a data folder, shared by all processes of this machine that ask.

    `data` is the folder around it: the cluster is `data/postgres-18`, by the major version, with
    its log and its lock beside it. `bindir` replaces the packaged binaries. `run_as` is the
    account to run as when we are root (else PG_RUN_AS, else the data's owner, else `nobody`).
    `connections` is how many it allows; one that is joined allows what it was started with.

    Use it in the main thread of the process that lives longest, and hand the URL down: on Linux
    the server ends with the thread that started it, even when that is killed.
    """

    def __init__(
        self,
        data: Path,
        *,
        bindir: Path | None = None,
        run_as: str | None = None,
        connections: int = 100,
    ) -> None:
        self._data = data.absolute()
        self._bindir = bindir
        self._run_as = run_as
        self._connections = connections
        self._process: subprocess.Popen[bytes] | None = None
        self._private_folder: Path | None = None
        self._cluster: Path | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> str:
        """Start the server, or join the one that runs on the same data; return its URL.

        The URL is as for DATABASE_URL; the database is there, and the user is its superuser.
        Raises EmbeddedPostgresError, with a hint.
        """
        _check_platform_and_thread()
        try:
            return self._start()
        except BaseException as error:
            self.stop()
            if not isinstance(error, OSError):
                raise
            raise EmbeddedPostgresError(
                f"The data folder {self._data} cannot be used: {error}.",
                hint="Choose a folder this account may write, or set DATABASE_URL.",
            ) from error

    def is_up(self) -> bool:
        """Whether the server that was started or joined is still there; costs next to nothing."""
        pid_file = PidFile.read(self._cluster) if self._cluster else None
        return pid_file is not None and pid_file.is_served()

    def stop(self) -> None:
        """Shut down the server that this object started; a joined one is left alone."""
        process, self._process = self._process, None
        if process is not None:
            _shut_down(process)
            _log.info("stopped the embedded PostgreSQL in %s", self._data)
        self._drop_private_folder()

    def _start(self) -> str:
        bindir = (self._bindir or packaged_bindir()).absolute()
        major = major_version(bindir)
        link = self._data / f"postgres-{major}"
        self._data.mkdir(mode=0o755, parents=True, exist_ok=True)
        with locked(link.with_name(f"{link.name}.lock"), within_s=_READY_WITHIN_S):
            account = Account.choose(self._run_as, _owner(link))
            cluster = self._cluster = place(link, account, SHELTER)
            log = link.with_name(f"{link.name}.log")
            bindir = within_reach(bindir, account, SHELTER)
            if cluster.exists():  # and so it is whole: it got its name last
                _check_owner(cluster, account)
            else:
                initdb(cluster, bindir, major, account, log)
            url = self._join_or_serve(cluster, bindir, account, log)
        _log.info("database: the embedded PostgreSQL %d in %s", major, cluster)
        return url

    def _join_or_serve(self, cluster: Path, bindir: Path, account: Account, log: Path) -> str:
        """Wait for the server that is there; with none, start one, again while orphans linger."""
        ready_by = time.monotonic() + _READY_WITHIN_S
        serve_by = time.monotonic() + _ORPHANS_GONE_WITHIN_S
        while time.monotonic() < ready_by:
            pid_file = PidFile.read(cluster)
            if pid_file is not None and pid_file.is_served():
                if url := _try(cluster, pid_file.socket_folder, account):
                    return url
            elif self._process is None or self._process.poll() is not None:
                if time.monotonic() > serve_by:
                    break
                if self._process is not None:
                    time.sleep(0.1)  # the orphans of one that ended need a moment
                disown_stale_pid(cluster)
                self._serve(cluster, bindir, account, log)
            time.sleep(0.02)
        raise EmbeddedPostgresError(
            "The embedded PostgreSQL did not start.", hint=f"The reason is at the end of {log}."
        )

    def _serve(self, cluster: Path, bindir: Path, account: Account, log: Path) -> None:
        settings = {
            **SETTINGS,
            "max_connections": str(self._connections),
            "unix_socket_directories": str(self._sockets(cluster, account)),
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(bindir / "postgres"), "-D", str(cluster), *options]
        with log.open("ab") as output:
            self._process = account.popen(command, log=output)

    def _sockets(self, cluster: Path, account: Account) -> Path:
        """Return the socket's folder: the cluster, which is 0700, or a private one in its stead.

        A socket's path has a length limit, and a comma in it would separate two hosts.
        """
        socket = cluster / f".s.PGSQL.{PORT}"
        if len(os.fsencode(socket)) <= _SOCKET_PATH_BYTES and not set(',"') & set(str(cluster)):
            return cluster
        if self._private_folder is None:  # else the same again: others know it by the URL
            self._private_folder = Path(tempfile.mkdtemp(prefix="unseen-"))
            account.own(self._private_folder)
        if not account.can_enter(self._private_folder):
            raise EmbeddedPostgresError(
                f"The account {account.name} cannot enter {self._private_folder}.",
                hint="Set TMPDIR to a folder open to all, or use data with a shorter path.",
            )
        return self._private_folder

    def _drop_private_folder(self) -> None:
        if self._private_folder is not None:
            shutil.rmtree(self._private_folder, ignore_errors=True)
            self._private_folder = None


def _check_platform_and_thread() -> None:
    if sys.platform == "win32":
        raise EmbeddedPostgresError(
            "There is no embedded PostgreSQL on Windows.",
            hint="Set DATABASE_URL to a PostgreSQL 15 or newer.",
        )
    if threading.current_thread() is not threading.main_thread():
        raise EmbeddedPostgresError(
            "The embedded PostgreSQL would end with this thread.",
            hint="Start it in the main thread and hand its URL down.",
        )


def _owner(cluster: Path) -> int | None:
    with contextlib.suppress(FileNotFoundError):
        return cluster.stat().st_uid
    return None


def _check_owner(cluster: Path, account: Account) -> None:
    if cluster.stat().st_uid != account.uid:
        raise EmbeddedPostgresError(
            f"{cluster} belongs to another account than {account.name}.",
            hint="Start as that account (as root: PG_RUN_AS), or use another data folder.",
        )


def _try(cluster: Path, sockets: Path, account: Account) -> str | None:
    """Return the URL once the server answers and the database is there; None before that.

    `requirepeer` has libpq refuse a server that another account put in the socket's place.
    """
    if not sockets.is_absolute():
        return None  # it has not opened its socket yet
    at = {"host": sockets, "port": PORT, "user": SUPERUSER, "requirepeer": account.name}
    query = urlencode(at, quote_via=quote)  # libpq does not read + as a space
    try:
        with psycopg.connect(
            f"postgresql:///postgres?{query}", autocommit=True, connect_timeout=5
        ) as db:
            served = db.execute("SHOW data_directory").fetchone()
            if served is None or Path(served[0]).resolve() != cluster:
                return None  # the pid file came with a copied folder
            found = db.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if found.fetchone() is None:
                db.execute(f"CREATE DATABASE {DATABASE}")
    except psycopg.OperationalError:
        return None
    return f"postgresql:///{DATABASE}?{query}"


def _shut_down(process: "subprocess.Popen[bytes]") -> None:
    """Ask for a fast shutdown, and for an immediate one when that takes too long."""
    for signum in (signal.SIGINT, signal.SIGQUIT):
        process.send_signal(signum)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOPPED_WITHIN_S)
            return
    process.kill()
    process.wait()
