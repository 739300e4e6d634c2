"""The database of a command: DATABASE_URL, or an embedded PostgreSQL; and `migrate`."""

import asyncio
import os
import time
from argparse import Namespace
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from ..embedded_postgres import EmbeddedPostgres
from ..encryption import KeyFile
from ..errors import HashesUnreadable, OperatorError, StoreUnavailable
from ..runtime.supervisor import HealthCallback
from ..settings import Settings, read_database_url, read_migrate_url
from ..store import Store, check_connection
from ..store import migrate as migrate_store
from ..store.server_log import logs_values
from .acting import settings_of
from .output import notice

Answer = TypeVar("Answer")

_STATEMENT_TIMEOUT_S = 600.0
"""A person waits for the command and can interrupt it, so its statements may take long."""

_DEFAULT_CONNECTIONS = 100
_SPARE_CONNECTIONS = 20


class NoDatabase(OperatorError):
    """A command needs a database that is there, and there is none."""


def run_with_store(args: Namespace, use: Callable[[Store], Awaitable[Answer]]) -> Answer:
    """Run a use case against the database, which is migrated first. Return its result.

    Raises NoDatabase if there is none: only `serve` and `migrate` create one.
    """

    async def run(url: str) -> Answer:
        async with opened_store(url, settings_of(args)) as store:
            return await use(store)

    check_exists(args.data)
    with open_database(args.data) as (url, _):
        migrate_now(url)
        return asyncio.run(run(url))


def check_exists(data: Path) -> None:
    """Raise NoDatabase rather than create one: in the wrong folder, no service would use it."""
    if not read_database_url(os.environ) and not any(map(_is_cluster, data.glob("postgres-*"))):
        raise NoDatabase(
            f"There is no database in {data}. Use --data if yours is elsewhere, or DATABASE_URL if "
            "you have a PostgreSQL of your own; 'serve' and 'migrate' create one."
        )


@asynccontextmanager
async def opened_store(
    url: str, settings: Settings, *, in_role: bool = True
) -> AsyncIterator[Store]:
    """Yield a store for a command, with the keys of the database.

    With the rights of the serving role; otherwise with those of the user in the URL.
    """
    store = Store(
        url,
        key_file=KeyFile(settings.encryption_key),
        in_role=in_role,
        pool_size=1,
        timeout=10,
        patience=_STATEMENT_TIMEOUT_S,
    )
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def _is_cluster(path: Path) -> bool:
    return path.name.removeprefix("postgres-").isdigit()


@contextmanager
def open_database(data: Path, connections: int = 0) -> Iterator[tuple[str, HealthCallback]]:
    """Yield the database's URL, and a callback that restarts it if it is embedded and died.

    An embedded one has room for `connections` of the workers and for commands beside them; it is
    stopped at the end of the block.
    """
    url = read_database_url(os.environ)
    if url:
        yield url, lambda: None
        return
    room = max(_DEFAULT_CONNECTIONS, connections + _SPARE_CONNECTIONS)
    server = EmbeddedPostgres(data, connections=room)
    try:
        url = server.start()
        yield url, server.restart_if_dead
    finally:
        server.stop()


def wait_for_database(prepare: Callable[[], None]) -> None:
    """Prepare the database; while it is unavailable, print why and try again.

    Raises HashesUnreadable: to wait would not help.
    """
    reported = ""
    while True:
        try:
            prepare()
        except HashesUnreadable:
            raise
        except StoreUnavailable as error:
            if error.why != reported:
                notice(f"waiting for the database: {error.why} ...")
            reported = error.why
            time.sleep(1)
        else:
            return


def migrate_now(url: str) -> list[str]:
    """Migrate as the owner of the tables (UNSEEN_MIGRATE_URL, if set). Return what was applied."""
    owner = read_migrate_url(os.environ)
    setting = "UNSEEN_MIGRATE_URL" if owner else "DATABASE_URL"
    applied = migrate_store(owner or url, setting, waiting=_report_waiting)
    check_connection(url, "DATABASE_URL")
    return applied


def owner_url(url: str) -> str:
    """Return the URL of the owner of the tables: UNSEEN_MIGRATE_URL, if set."""
    return read_migrate_url(os.environ) or url


def warn_if_values_are_logged(url: str) -> None:
    """Warn if PostgreSQL's own log would contain hashes and case numbers."""
    with suppress(StoreUnavailable):
        if logs_values(url):
            notice(
                "PostgreSQL logs values of statements, which are hashes and case numbers: set its "
                "log_parameter_max_length and log_parameter_max_length_on_error to 0, and turn "
                "auto_explain off"
            )


def _report_waiting() -> None:
    notice("waiting for another process that migrates the database ...")
