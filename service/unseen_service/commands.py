"""What each `unseen-service` command does."""

import asyncio
import logging
import os
import shutil
import signal
import stat
import sys
import time
from argparse import Namespace
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TypeAlias, TypeVar

import uvicorn

from . import logs, metrics
from .embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError
from .errors import OperatorError, StoreUnavailable
from .proof import load_signer
from .protocol import Protocol
from .settings import DEFAULT_DATA, Settings, given_url
from .shared import share_counts
from .store import Store, allowed_connections, reach
from .store import migrate as migrate_store
from .supervisor import Tend, supervise, wait_for_address

Command: TypeAlias = Callable[[Namespace], None]
Answer = TypeVar("Answer")

_PATIENCE = 600.0
"""Seconds that a statement of a command may take: somebody sits before it, and can end it."""

_USUAL_CONNECTIONS = 100
_SPARE = 20

_KEEP_ALIVE = 75
"""Seconds that an idle connection is kept: longer than clients and proxies keep one (5 to 60),
lest a request is sent just as we hang up."""

_BANNER = """\
Unseen is on {address}
  database       {database}
  docs           {address}/docs for the API, docs/ for the rest
  a key          {command} keys issue NAME --scope match{data}
  is it ready?   {address}/readyz
  stop it with   Ctrl-C
"""

logger = logging.getLogger(__name__)


@contextmanager
def database(data: Path) -> Iterator[str]:
    """Give the database's URL: DATABASE_URL, or an embedded one, stopped at the end."""
    with _tended_database(data) as (url, _):
        yield url


@contextmanager
def _tended_database(data: Path, connections: int = 0) -> Iterator[tuple[str, Tend]]:
    """Give the database's URL, and what starts it again where that is for us to do.

    An embedded one has room for so many connections, and for commands beside them.
    """
    url = given_url(os.environ)
    if url:
        yield url, lambda: None
        return
    server = EmbeddedPostgres(data, connections=max(_USUAL_CONNECTIONS, connections + _SPARE))
    try:
        url = server.start()
        yield url, lambda: _keep_up(server, url)
    finally:
        server.stop()


def _keep_up(server: EmbeddedPostgres, url: str) -> None:
    """Start an embedded PostgreSQL that died; the workers find their way back by themselves."""
    if server.is_up():
        return
    logger.warning("the embedded PostgreSQL has died; starting it again")
    try:
        moved = server.start() != url
    except EmbeddedPostgresError as error:
        logger.warning("it did not start, trying again: %s", error)
        return
    if moved:
        # It was another process's, at an address that ended with it: the workers know no other.
        raise OperatorError("The embedded PostgreSQL has another address now; start again.")


def serve(given: Namespace) -> None:
    """Migrate, then serve until told to stop."""
    signal.signal(signal.SIGTERM, _exit)
    # The workers read their settings from the environment, in processes of their own.
    data = given.data.absolute()
    os.environ["UNSEEN_DATA"] = str(data)
    os.environ.setdefault("UNSEEN_INDEX_DIR", str(data / "index"))
    # Whatever is wrong here is told before anything is started.
    settings = Settings.from_environment({**os.environ, "DATABASE_URL": "-"})
    wait_for_address(given.host, given.port)
    connections = given.workers * settings.connections
    with _tended_database(given.data, connections) as (url, tend):
        _migrated(url, patient=True)
        _say_whether_there_is_room(url, connections)
        load_signer(settings.audit_key)
        _say_who_reads(settings.audit_key)
        _say_where(given)
        if not os.environ.get("DATABASE_URL_FILE"):  # who gave a file wants it to be in no other
            os.environ["DATABASE_URL"] = url
        share_counts()
        with metrics.shared(data / "metrics" / str(given.port)):
            supervise(_config(given), tend)


def _say_whether_there_is_room(url: str, connections: int) -> None:
    """Warn of too few connections: a worker that gets none to listen hears of nothing new."""
    try:
        allowed = allowed_connections(url)
    except StoreUnavailable:
        return
    if connections > allowed:
        _say(
            f"PostgreSQL allows {allowed} connections, and the workers of this host may take"
            f" {connections}. Raise its max_connections, or lower UNSEEN_POOL_SIZE or --workers."
        )


def _config(given: Namespace) -> uvicorn.Config:
    return uvicorn.Config(
        "unseen_service.worker:from_environment",
        factory=True,
        http=Protocol,
        ws="none",
        host=given.host,
        port=given.port,
        workers=given.workers,
        log_config=logs.CONFIG,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=_KEEP_ALIVE,
    )


def migrate(given: Namespace) -> None:
    """Bring the database up to this version."""
    with database(given.data) as url:
        applied = _migrated(url)
    print("\n".join(f"applied {name}" for name in applied) or "the database is up to date")


def ask(given: Namespace, question: Callable[[Store], Awaitable[Answer]]) -> Answer:
    """Run one flow against the database."""

    async def asked(url: str) -> Answer:
        store = Store(url, pool_size=1, timeout=10, patience=_PATIENCE)
        await store.open()
        try:
            return await question(store)
        finally:
            await store.close()

    with database(given.data) as url:
        _migrated(url)
        return asyncio.run(asked(url))


def _migrated(url: str, *, patient: bool = False) -> list[str]:
    """Migrate; a patient one waits for a database that is not up yet, and says why."""
    told = ""
    while True:
        try:
            return _migrated_now(url)
        except StoreUnavailable as error:
            if not patient:
                raise
            if error.why != told:
                _say(f"waiting for the database: {error.why} ...")
            told = error.why
            time.sleep(1)


def _migrated_now(url: str) -> list[str]:
    owner = os.environ.get("UNSEEN_MIGRATE_URL")
    if not owner:
        return migrate_store(url, waiting=_say_who_migrates)
    applied = migrate_store(owner, "UNSEEN_MIGRATE_URL", waiting=_say_who_migrates)
    reach(url, "DATABASE_URL")
    return applied


def _say_who_migrates() -> None:
    _say("waiting for another process that migrates the database ...")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _say_who_reads(key: Path) -> None:
    if key.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        _say(f"everybody on this machine can read {key}, which signs the audit log: chmod 600 it")


def _say_where(given: Namespace) -> None:
    own = bool(given_url(os.environ))
    host = f"[{given.host}]" if ":" in given.host else given.host
    banner = _BANNER.format(
        address=f"http://{host}:{given.port}",
        database="DATABASE_URL" if own else f"an embedded PostgreSQL in {given.data}",
        command=_as_typed(Path(sys.argv[0])),
        data="" if own or given.data == DEFAULT_DATA else f" --data {given.data}",
    )
    with suppress(OSError):  # nobody reads it, which is no reason not to serve
        print(banner, flush=True)


def _as_typed(program: Path) -> str:
    """Name this program so that it can be typed here: from a clone it is not on the PATH."""
    if shutil.which(program.name) == str(program):
        return program.name
    here = Path.cwd()
    return str(program.relative_to(here) if program.is_relative_to(here) else program)


def _exit(_: int, __: FrameType | None) -> None:
    # As an exception, so that what was started here is stopped on the way out.
    raise SystemExit(0)
