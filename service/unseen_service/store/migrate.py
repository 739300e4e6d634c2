"""Migrations: numbered SQL files, each applied once, in order, under an advisory lock.

The ledger (`migrations`) holds the number, name and SHA-256 of each applied file. A database
whose ledger is not a prefix of this version's files is refused rather than guessed at.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files

import psycopg

from ..errors import MigrationMismatch, StoreRefused, StoreUnavailable
from . import roles, session_settings
from .diagnose import CONNECTION_LOST, READ_ONLY, checked_url, connect, set_up

_LOCK = 0x756E7365656E  # "unseen"; any number that nothing else uses

_OLDEST_VERSION = 15

_LOCK_TIMEOUT = "500ms"
"""How long to wait for a table; every request that uses it then waits behind the migration."""

_LOCK_PAUSE_S = 2.0
_LOCK_DEADLINE_S = 60.0
_TABLE_IN_USE = (
    "a table that a migration changes stays locked, perhaps by a backup; "
    "pg_stat_activity shows by what"
)

_LEDGER = """
CREATE TABLE migrations (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    digest     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of migrations/."""

    number: int
    name: str
    sql: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the file, in hex."""
        return hashlib.sha256(self.sql).hexdigest()


def known_migrations() -> list[Migration]:
    """Return this version's migrations, in order."""
    folder = files(__package__).joinpath("migrations")
    found = sorted((each for each in folder.iterdir() if each.name.endswith(".sql")), key=str)
    return [
        Migration(int(each.name[:4]), each.name.removesuffix(".sql"), each.read_bytes())
        for each in found
    ]


def migrate(
    url: str, setting: str = "DATABASE_URL", *, waiting: Callable[[], None] = lambda: None
) -> list[str]:
    """Migrate a database to this version. Return the names of the migrations that were applied.

    `setting` is the name of the setting that holds the URL. `waiting` is called before waiting
    for another process that migrates.

    All happens in one transaction: either every migration is applied or none. The serving role
    is granted its rights again whenever something changed. If a table stays locked, the
    transaction is rolled back, so that requests pass, and tried again for a minute. Raises
    MigrationMismatch for a database of another program or a newer version, RoleMissing if this
    user may not create the role, SettingInvalid if the URL cannot be parsed, StoreRefused if
    waiting does not help, StoreUnavailable if PostgreSQL is unavailable or a table stays locked.
    """
    deadline = time.monotonic() + _LOCK_DEADLINE_S
    while True:
        try:
            return _migrate_once(url, setting, waiting)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            if time.monotonic() >= deadline:
                raise StoreUnavailable(_TABLE_IN_USE) from None
        time.sleep(_LOCK_PAUSE_S)


def _migrate_once(url: str, setting: str, waiting: Callable[[], None]) -> list[str]:
    connection = _connect(url, setting)
    try:
        with connection:
            _check_server(connection)
            # A process killed midway must not leave its locks to a statement that goes on.
            connection.execute("SET LOCAL client_connection_check_interval = '1s'")
            _lock(connection, waiting)
            connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
            _check_may_create(connection)
            missing = _missing(_applied(connection))
            for migration in missing:
                _apply(connection, migration)
            if missing or not roles.is_granted(connection):
                roles.grant(connection)
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
        raise
    except psycopg.OperationalError:
        raise StoreUnavailable(CONNECTION_LOST) from None
    return [migration.name for migration in missing]


def _connect(url: str, setting: str) -> psycopg.Connection:
    connection = connect(checked_url(url, setting), setting)
    try:
        set_up(connection, session_settings.migrating(url), url, setting)
        connection.autocommit = False
    except BaseException:
        connection.close()
        raise
    return connection


def _check_server(connection: psycopg.Connection) -> None:
    """Raise StoreRefused if Unseen cannot work with it, StoreUnavailable if it is read-only."""
    major = connection.info.server_version // 10_000
    if major < _OLDEST_VERSION:
        raise StoreRefused(f"This is PostgreSQL {major}; Unseen needs {_OLDEST_VERSION} or newer.")
    (encoding,) = connection.execute("SHOW server_encoding").fetchone() or ("",)
    if encoding != "UTF8":
        raise StoreRefused(
            f"The database has the encoding {encoding}; Unseen needs UTF8. Create another one: "
            "CREATE DATABASE <name> TEMPLATE template0 ENCODING 'UTF8'."
        )
    if connection.execute("SHOW transaction_read_only").fetchone() == ("on",):
        raise StoreUnavailable(READ_ONLY)


_MAY_CREATE = """
SELECT to_regclass('migrations') IS NOT NULL
    OR coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)
"""


def _check_may_create(connection: psycopg.Connection) -> None:
    """Raise StoreRefused if this user may not create the first table.

    Under the lock: the session would remember that there is none, also once another has made it.
    """
    if connection.execute(_MAY_CREATE).fetchone() != (True,):
        user = connection.info.user
        raise StoreRefused(
            f"The user {user} may not create tables in the database. Let its owner run: "
            f"GRANT CREATE ON SCHEMA public TO {user}."
        )


def _lock(connection: psycopg.Connection, waiting: Callable[[], None]) -> None:
    alone = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (_LOCK,)).fetchone()
    if alone != (True,):
        waiting()
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))


def _applied(connection: psycopg.Connection) -> list[tuple[int, str]]:
    found = connection.execute("SELECT to_regclass('migrations') IS NULL").fetchone()
    if found == (True,):
        connection.execute(_LEDGER)
    return connection.execute("SELECT number, digest FROM migrations ORDER BY number").fetchall()


def _apply(connection: psycopg.Connection, migration: Migration) -> None:
    try:
        connection.execute(migration.sql)
    except psycopg.errors.RaiseException as error:
        raise MigrationMismatch(
            f"This database cannot be migrated to this version: {error.diag.message_primary}. "
            "Start with an empty one."
        ) from None
    connection.execute(
        "INSERT INTO migrations (number, name, digest) VALUES (%s, %s, %s)",
        (migration.number, migration.name, migration.digest),
    )


def _missing(applied: list[tuple[int, str]]) -> list[Migration]:
    migrations = known_migrations()
    if applied != [(each.number, each.digest) for each in migrations[: len(applied)]]:
        raise MigrationMismatch(
            "This database was migrated by another version of the service. "
            "Run that version, or a newer one, or restore a backup that fits this one."
        )
    return migrations[len(applied) :]
