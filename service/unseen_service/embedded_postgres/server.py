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
from pathlib import Path
from types import TracebackType
from typing import Self
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
from .errors import EmbeddedPostgresError
from .lock import locked

DATABASE = "unseen"
SYSTEM_FOLDER = Path("/var/lib/unseen")
"""For data and binaries if we are root, and they are in folders that only root can enter."""
SETTINGS = {
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
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
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
        pid_file = PidFile.read(self._cluster) if self._cluster else None
        return pid_file is not None and pid_file.is_served()

    def stop(self) -> None:
        """Shut down the server if this object started it; a joined one keeps running."""
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
            cluster = self._cluster = resolve_cluster(link, account, SYSTEM_FOLDER)
            log = link.with_name(f"{link.name}.log")
            bindir = accessible_bindir(bindir, account, SYSTEM_FOLDER)
            if cluster.exists():  # then it is complete: it gets its name last
                _check_owner(cluster, account)
            else:
                initdb(cluster, bindir, major, account, log)
            url = self._join_or_start(cluster, bindir, account, log)
        logger.info("database: the embedded PostgreSQL %d in %s", major, cluster)
        return url

    def _join_or_start(self, cluster: Path, bindir: Path, account: Account, log: Path) -> str:
        """Wait for a running server; start one if there is none, repeatedly while orphans exist."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        restart_deadline = time.monotonic() + _ORPHAN_EXIT_TIMEOUT_S
        while time.monotonic() < deadline:
            pid_file = PidFile.read(cluster)
            if pid_file is not None and pid_file.is_served():
                if url := _try_connect(cluster, pid_file.socket_folder, account):
                    return url
            elif self._process is None or self._process.poll() is not None:
                if time.monotonic() > restart_deadline:
                    break
                if self._process is not None:
                    time.sleep(0.1)  # orphans of a dead server need a moment to end
                self._start_server(cluster, bindir, account, log)
            time.sleep(0.02)
        raise EmbeddedPostgresError(
            "The embedded PostgreSQL did not start.", hint=f"The reason is at the end of {log}."
        )

    def _start_server(self, cluster: Path, bindir: Path, account: Account, log: Path) -> None:
        settings = {
            **SETTINGS,
            "max_connections": str(self._connections),
            "unix_socket_directories": str(self._socket_folder(cluster, account)),
            **write_access_rules(cluster, account, major_version(bindir)),
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(bindir / "postgres"), "-D", str(cluster), *options]
        with open_log(log) as output:
            self._process = account.popen(command, log=output, cluster=cluster)

    def _socket_folder(self, cluster: Path, account: Account) -> Path:
        """Return the socket's folder: the cluster (mode 0700), or else a private folder.

        The path of a socket has a length limit, and a comma in it would separate two hosts.
        """
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


def _shut_down(process: "subprocess.Popen[bytes]") -> None:
    """Request a fast shutdown, then an immediate one if that takes too long."""
    for signum in (signal.SIGINT, signal.SIGQUIT):
        process.send_signal(signum)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_TIMEOUT_S)
            return
    process.kill()
    process.wait()
