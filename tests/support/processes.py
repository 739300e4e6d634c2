"""`unseen-service serve` as a process of its own: supervisor, workers and PostgreSQL."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from .cli import COMMAND
from .environment import clean_environment
from .ports import free_port
from .running_service import RunningService
from .waiting import PATIENCE_S, wait_until

_PROBES = 8
"""How many new connections are tried until each of two workers has almost certainly had one."""


@dataclass(kw_only=True)
class ServiceProcess(RunningService):
    """A service that runs as a process, and the supervisor's process."""

    process: subprocess.Popen[bytes]

    def is_ready_on_all_workers(self) -> bool:
        """Return whether many new connections in a row find a worker that is ready."""
        return all(self.is_ready() for _ in range(_PROBES))


@contextmanager
def serve_process(
    data: Path,
    *,
    database_url: str = "",
    host: str = "127.0.0.1",
    port: int = 0,
    workers: int = 1,
    log: Path | None = None,
    prefix: Sequence[str] = (),
    within: float = PATIENCE_S,
    **environment: str,
) -> Iterator[ServiceProcess]:
    """Run `unseen-service serve` until the block ends; yield when every worker is ready.

    Without a database URL it starts an embedded PostgreSQL in its data directory. Standard error
    is appended to the file `log`, if given. `prefix` is a command that executes the rest of its
    arguments. `environment` is added to the minimal one of `clean_environment`.
    """
    port = port or free_port()
    if database_url:
        environment = {"DATABASE_URL": database_url, **environment}
    process = start_serve(
        data, port, environment=environment, host=host, workers=workers, log=log, prefix=prefix
    )
    service = ServiceProcess(f"http://{host}:{port}", database_url, process=process)
    with terminating(process):
        is_ready = service.is_ready if workers == 1 else service.is_ready_on_all_workers
        wait_until(is_ready, within)
        yield service


def start_serve(
    data: Path,
    port: int,
    *,
    environment: dict[str, str],
    host: str = "127.0.0.1",
    workers: int = 1,
    log: Path | None = None,
    prefix: Sequence[str] = (),
    **streams: Any,
) -> subprocess.Popen[Any]:
    """Start `unseen-service serve` as `serve_process` does, without waiting for it.

    `streams` are arguments of `subprocess.Popen`; standard output is discarded by default.
    """
    options = {"--host": host, "--port": port, "--workers": workers, "--data": data}
    arguments = [str(word) for option in options.items() for word in option]
    with _appending(log) as stderr:
        return subprocess.Popen(
            [*prefix, *COMMAND, "serve", *arguments],
            env=clean_environment(**environment),
            **{"stdout": subprocess.DEVNULL, "stderr": stderr, **streams},
        )


@contextmanager
def _appending(log: Path | None) -> Iterator[IO[bytes] | None]:
    if log is None:
        yield None
        return
    with log.open("ab") as file:
        yield file


@contextmanager
def terminating(process: subprocess.Popen[Any]) -> Iterator[None]:
    """Terminate a process at the end of the block, and wait until it has ended."""
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_S)


def workers_of(process: subprocess.Popen[Any]) -> list[psutil.Process]:
    """Return the worker processes of a supervisor."""
    return [each for each in psutil.Process(process.pid).children() if is_worker(each)]


def is_worker(process: psutil.Process) -> bool:
    """Return whether a child of a supervisor is a worker."""
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


def is_postmaster(process: psutil.Process) -> bool:
    """Return whether a child of a supervisor is the main process of PostgreSQL."""
    try:
        return Path(process.cmdline()[0]).name == "postgres"
    except (psutil.NoSuchProcess, psutil.ZombieProcess, IndexError):
        return False
