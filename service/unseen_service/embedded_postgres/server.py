"""Start the embedded PostgreSQL or join a running one, return its URL, stop it."""

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
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote, urlencode

import psycopg

from ..runtime.private_files import admit_group, check_folder, narrow_folder
from .account import NOBODY, Account
from .binaries import accessible_bindir, major_version, packaged_bindir
from .cluster import (
    PORT,
    SUPERUSER,
    PidFile,
    initdb,
    open_log,
    resolve_cluster,
    write_access_rules,
)
from .errors import AddressMoved, EmbeddedPostgresError
from .lock import locked, try_lock

DATABASE = "unseen"
SYSTEM_FOLDER = Path("/var/lib/unseen")
"""For data and binaries if we are root, and they are in folders that only root can enter."""
_NO_VALUES = {
    # A plan that auto_explain logs contains the values of the statement, whatever its settings.
    "auto_explain.log_min_duration": "-1",
    "auto_explain.log_parameter_max_length": "0",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}
"""Keeps the values of statements out of the log. They are also settings of the role, which win over
those of a database, so that an operator may log slow statements (without values)."""

SETTINGS = {
    **_NO_VALUES,
    "port": str(PORT),
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # No row value may reach the log: an error's message, detail and statement can contain one.
    "log_statement": "none",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_min_duration_statement": "-1",
    "log_checkpoints": "off",
}
_SOCKET_PATH_BYTES = 103  # sun_path: 104 on macOS, 108 on Linux, less the closing NUL
_START_TIMEOUT_S = 120.0  # includes a long recovery after a crash
_ORPHAN_EXIT_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 30.0
logger = logging.getLogger(__name__)


class EmbeddedPostgres:
    """A PostgreSQL server on a data directory, shared by all processes of this machine.

    `data` is the parent folder: the cluster is `data/postgres-18` (after the major version), with
    its log and its lock beside it. `bindir` replaces the packaged binaries. `run_as` is the
    account to run as if we are root (default: PG_RUN_AS, else the data's owner, else an account of
    its own, which is created).
    `connections` is how many it allows; a server that we join allows what it was started with.

    Use it in the main thread of the longest-lived process, and pass the URL to the others: on
    Linux the server ends with the thread that started it, even if that is killed.
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
        self._place: _Place | None = None
        self._sockets: Path | None = None
        self._restarting: IO[str] | None = None
        self._reported = ""

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
        """Start the server, or join the one that runs on the same data. Return its URL.

        The URL has the format of DATABASE_URL; its database exists, and its user is a superuser.
        Raises EmbeddedPostgresError; FilesExposed if another account can change the data directory.
        """
        _check_platform_and_thread()
        try:
            return self._start()
        except BaseException as error:
            self.stop()
            if not isinstance(error, OSError):
                raise
            raise EmbeddedPostgresError(
                f"The data directory {self._data} cannot be used: {error}.",
                hint="Choose a directory that this account can write to, or set DATABASE_URL.",
            ) from error

    def is_up(self) -> bool:
        """Return whether the server that was started or joined still runs; this is cheap."""
        pid_file = PidFile.read(self._place.cluster) if self._place else None
        return pid_file is not None and pid_file.is_served()

    def restart_if_dead(self) -> None:
        """Restart a server that died, without waiting for anything: call this again and again.

        The caller has other work, such as replacing workers. So a lock that another process holds
        is tried once per call, and a server that does not start is started again by the next one;
        both are logged once. Raises AddressMoved if it would get another address than before.
        """
        try:
            if self.is_up():
                self._end_restart()
            elif self._place is not None:
                self._restart(self._place)
        except OSError as error:
            self._report(f"it cannot be started: {error}")

    def stop(self) -> None:
        """Shut down the server if this object started it; a joined one keeps running."""
        self._unlock()
        process, self._process = self._process, None
        if process is not None:
            _shut_down(process)
            logger.info("stopped the embedded PostgreSQL in %s", self._data)
        self._remove_private_folder()

    def _start(self) -> str:
        bindir = (self._bindir or packaged_bindir()).absolute()
        major = major_version(bindir)
        link = self._data / f"postgres-{major}"
        check_folder(self._data)
        is_new = not self._data.exists()
        self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(link.with_name(f"{link.name}.lock"), timeout_s=_START_TIMEOUT_S):
            account = Account.choose(self._run_as, _owner_uid(link))
            (admit_group if is_new else narrow_folder)(self._data, account.group)
            cluster = resolve_cluster(link, account, SYSTEM_FOLDER)
            log = link.with_name(f"{link.name}.log")
            bindir = accessible_bindir(bindir, account, SYSTEM_FOLDER)
            if cluster.exists():  # then it is complete: it gets its name last
                _check_owner(cluster, account)
            else:
                initdb(cluster, bindir, major, account, log)
            self._place = _Place(cluster, bindir, major, account, log)
            url = self._join_or_start(self._place)
        logger.info("database: the embedded PostgreSQL %d in %s", major, cluster)
        return url

    def _restart(self, place: "_Place") -> None:
        """Start the server if the lock is free, and keep the lock until its pid file is written.

        Otherwise another process could start a second server meanwhile.
        """
        is_running = self._process is not None and self._process.poll() is None
        if is_running:
            return  # it has not written its pid file yet
        if self._restarting is not None:
            self._unlock()  # for a moment: a command may have better luck
            self._report(f"it does not start, for the reason at the end of {place.log}")
            return
        self._report("it has died; restarting it")
        self._restarting = try_lock(place.lock)
        if self._restarting is None:
            self._report(f"another process holds {place.lock}; trying again")
            return
        if self._socket_folder(place) != self._sockets:
            raise AddressMoved(
                "The embedded PostgreSQL was another process's, and has ended.", hint="Start again."
            )
        self._start_server(place)

    def _end_restart(self) -> None:
        self._unlock()
        if self._reported:
            logger.info("the embedded PostgreSQL runs again")
        self._reported = ""

    def _unlock(self) -> None:
        if self._restarting is not None:
            self._restarting.close()
            self._restarting = None

    def _report(self, what: str) -> None:
        """Log what keeps the server from running, but not what was logged before."""
        if what not in self._reported:
            logger.warning("the embedded PostgreSQL: %s", what)
            self._reported += what

    def _join_or_start(self, place: "_Place") -> str:
        """Wait for a running server; start one if there is none, repeatedly while orphans exist."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        restart_deadline = time.monotonic() + _ORPHAN_EXIT_TIMEOUT_S
        while time.monotonic() < deadline:
            pid_file = PidFile.read(place.cluster)
            if pid_file is not None and pid_file.is_served():
                if url := _try_connect(place.cluster, pid_file.socket_folder, place.account):
                    self._sockets = pid_file.socket_folder
                    return url
            elif self._process is None or self._process.poll() is not None:
                if time.monotonic() > restart_deadline:
                    break
                if self._process is not None:
                    time.sleep(0.1)  # orphans of a dead server need a moment to end
                self._start_server(place)
            time.sleep(0.02)
        raise EmbeddedPostgresError(
            "The embedded PostgreSQL did not start.",
            hint=f"The reason is at the end of {place.log}.",
        )

    def _start_server(self, place: "_Place") -> None:
        settings = {
            **SETTINGS,
            "max_connections": str(self._connections),
            "unix_socket_directories": str(self._socket_folder(place)),
            **write_access_rules(place.cluster, place.account, place.major),
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(place.bindir / "postgres"), "-D", str(place.cluster), *options]
        with open_log(place.log) as output:
            self._process = place.account.popen(command, log=output, cluster=place.cluster)

    def _socket_folder(self, place: "_Place") -> Path:
        """Return the socket's folder: the cluster (mode 0700), or else a private folder.

        The path of a socket has a length limit, and a comma in it would separate two hosts.
        """
        cluster, account = place.cluster, place.account
        socket = cluster / f".s.PGSQL.{PORT}"
        if len(os.fsencode(socket)) <= _SOCKET_PATH_BYTES and not set(',"') & set(str(cluster)):
            return cluster
        if self._private_folder is None:  # else keep it: other processes know its URL
            self._private_folder = Path(tempfile.mkdtemp(prefix="unseen-"))
            account.make_private(self._private_folder)
        if not account.can_enter(self._private_folder):
            raise EmbeddedPostgresError(
                f"The account {account.name} cannot enter {self._private_folder}.",
                hint="Set TMPDIR to a folder that everyone can enter, or use a shorter data path.",
            )
        return self._private_folder

    def _remove_private_folder(self) -> None:
        if self._private_folder is not None:
            shutil.rmtree(self._private_folder, ignore_errors=True)
            self._private_folder = None


@dataclass(frozen=True)
class _Place:
    """Where a server runs: its cluster, its programs and their major version, account and log."""

    cluster: Path
    bindir: Path
    major: int
    account: Account
    log: Path

    @property
    def lock(self) -> Path:
        """The lock that is held while it is started."""
        return self.log.with_suffix(".lock")


def _check_platform_and_thread() -> None:
    if sys.platform == "win32":
        raise EmbeddedPostgresError(
            "The embedded PostgreSQL is not available on Windows.",
            hint="Set DATABASE_URL to a PostgreSQL 15+ server.",
        )
    if threading.current_thread() is not threading.main_thread():
        raise EmbeddedPostgresError(
            "The embedded PostgreSQL would end with this thread.",
            hint="Start it in the main thread, and pass its URL on.",
        )


def _owner_uid(cluster: Path) -> int | None:
    with contextlib.suppress(FileNotFoundError):
        return cluster.stat().st_uid
    return None


def _check_owner(cluster: Path, account: Account) -> None:
    owner = cluster.stat().st_uid
    if owner == NOBODY and os.geteuid() == 0 and owner != account.uid:
        raise EmbeddedPostgresError(
            f"{cluster} belongs to nobody, as version 0.1 left it: any program that runs as nobody "
            "could have read and changed it.",
            hint=f"If none did, chown -hR {account.name}: {cluster}. "
            "Otherwise restore a backup into a new data directory.",
        )
    if owner != account.uid:
        raise EmbeddedPostgresError(
            f"{cluster} belongs to another account, not to {account.name}.",
            hint="Start as that account (as root: PG_RUN_AS), or use another data directory.",
        )


def _try_connect(cluster: Path, socket_folder: Path, account: Account) -> str | None:
    """Return the URL if the server accepts connections, or None. Create the database if needed.

    With `requirepeer`, libpq rejects a socket that another account created instead.
    """
    if not socket_folder.is_absolute():
        return None  # the server has not opened its socket yet
    parameters = {
        "host": socket_folder,
        "port": PORT,
        "user": SUPERUSER,
        "requirepeer": account.name,
    }
    query = urlencode(parameters, quote_via=quote)  # libpq does not parse + as a space
    try:
        with psycopg.connect(
            f"postgresql:///postgres?{query}", autocommit=True, connect_timeout=5
        ) as db:
            if not _serves_cluster(db, cluster):
                return None  # the pid file came with a copy of another cluster
            _create_database(db)
            _set_for_role(db)
    except psycopg.OperationalError:
        return None
    return f"postgresql:///{DATABASE}?{query}"


def _serves_cluster(db: psycopg.Connection, cluster: Path) -> bool:
    row = db.execute("SHOW data_directory").fetchone()
    return row is not None and Path(row[0]).resolve() == cluster


def _create_database(db: psycopg.Connection) -> None:
    found = db.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
    if found.fetchone() is None:
        db.execute(f"CREATE DATABASE {DATABASE}")


def _set_for_role(db: psycopg.Connection) -> None:
    found = db.execute(
        "SELECT setconfig FROM pg_db_role_setting WHERE setdatabase = 0 AND setrole = %s::regrole",
        [SUPERUSER],
    ).fetchone()
    wanted = {f"{name}={value}" for name, value in _NO_VALUES.items()}
    if found is None or not wanted <= set(found[0]):
        for name, value in _NO_VALUES.items():
            db.execute(f"ALTER ROLE {SUPERUSER} SET {name} = '{value}'")


def _shut_down(process: "subprocess.Popen[bytes]") -> None:
    """Request a fast shutdown, then an immediate one if that takes too long."""
    for signum in (signal.SIGINT, signal.SIGQUIT):
        process.send_signal(signum)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_TIMEOUT_S)
            return
    process.kill()
    process.wait()
