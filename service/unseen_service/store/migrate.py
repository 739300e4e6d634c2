"""Migrations: numbered SQL files, each applied once, in order, under an advisory lock.

The ledger (`migrations`) holds the number, name and SHA-256 of what was applied. A database
whose ledger is not a beginning of this version's files is refused rather than guessed at.
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files

import psycopg

from ..errors import MigrationMismatch, StoreUnavailable
from . import roles

_LOCK = 0x756E7365656E  # "unseen"; any number that nobody else takes

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


def known() -> list[Migration]:
    """Read this version's migrations, in order."""
    folder = files(__package__).joinpath("migrations")
    found = sorted((each for each in folder.iterdir() if each.name.endswith(".sql")), key=str)
    return [
        Migration(int(each.name[:4]), each.name.removesuffix(".sql"), each.read_bytes())
        for each in found
    ]


def migrate(url: str) -> list[str]:
    """Bring a database up to this version; answer the names of what was applied.

    All in one transaction: half a migration is none. The role that serves gets its rights again
    whenever something changed. Raises MigrationMismatch for a database of another making or of
    a newer version, RoleMissing where this user may not make the role, StoreUnavailable when
    PostgreSQL is away.
    """
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            # Who is killed in the middle must not leave its locks to a statement that goes on.
            connection.execute("SET LOCAL client_connection_check_interval = '1s'")
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            missing = _missing(_applied(connection))
            for migration in missing:
                _apply(connection, migration)
            if missing or not roles.granted(connection):
                roles.grant(connection)
    except psycopg.OperationalError:
        raise StoreUnavailable from None
    return [migration.name for migration in missing]


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
            f"This database cannot be brought up to this version: {error.diag.message_primary}. "
            "Start with an empty one."
        ) from None
    connection.execute(
        "INSERT INTO migrations (number, name, digest) VALUES (%s, %s, %s)",
        (migration.number, migration.name, migration.digest),
    )


def _missing(applied: list[tuple[int, str]]) -> list[Migration]:
    migrations = known()
    if applied != [(each.number, each.digest) for each in migrations[: len(applied)]]:
        raise MigrationMismatch(
            "This database was migrated by another version of the service. "
            "Run that version, or a newer one, or restore a backup that fits this one."
        )
    return migrations[len(applied) :]
