"""Databases of the tests' PostgreSQL server."""

import contextlib
from collections.abc import Iterator
from itertools import count
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from unseen_service.store import session_settings
from unseen_service.store.connection import conninfo
from unseen_service.store.roles import ROLE

TEMPLATE = "template_unseen"
"""The database that the others are copied from: migrated, encrypted and empty."""

UNENCRYPTED = "template_unencrypted"
"""The same, as an upgrade from version 0.1 leaves it."""

OWNER = "some_owner"
"""The user of a database that `created` makes."""

_numbers = count(1)


@contextlib.contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """Yield the URL of a migrated, empty database on the server of a URL; drop it at the end."""
    with _database(server_url, f"TEMPLATE {TEMPLATE}") as url:
        yield url


@contextlib.contextmanager
def unencrypted_database(server_url: str) -> Iterator[str]:
    """Yield the URL of a migrated, empty database that is not encrypted; drop it at the end."""
    with _database(server_url, f"TEMPLATE {UNENCRYPTED}") as url:
        yield url


@contextlib.contextmanager
def unmigrated_database(server_url: str) -> Iterator[str]:
    """Yield the URL of a database without any table; drop it at the end."""
    with _database(server_url) as url:
        yield url


@contextlib.contextmanager
def _database(server_url: str, options: str = "") -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    admin = with_database(server_url, "postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} {options}")  # type: ignore[call-overload]
    yield with_database(server_url, name)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[call-overload]


def with_database(url: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    head, _, query = url.partition("?")
    return f"{head.rpartition('/')[0]}/{name}?{query}"


def is_anyone_waiting(url: str) -> bool:
    """Return whether a session of a database waits for a lock."""
    where = "datname = current_database() AND wait_event_type = 'Lock'"
    return query(url, f"SELECT count(*) FROM pg_stat_activity WHERE {where}") != [(0,)]  # noqa: S608


def query(url: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Execute one statement in a transaction of its own; return its rows, if it has any."""
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement, values or None)  # type: ignore[call-overload]
        return list(cursor.fetchall()) if cursor.description else []


def serving_url(url: str) -> str:
    """Return the URL of the same database whose sessions start in the serving role."""
    options = conninfo_to_dict(url).get("options") or ""
    return make_conninfo(url, options=f"{options} -c role={ROLE}".strip())


@contextlib.contextmanager
def created(postgres: str, options: str = "", owner_rights: str = "") -> Iterator[str]:
    """Yield the URL of an empty database of a user with some rights; drop both at the end."""
    admin = with_database(postgres, "postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        user = sql.Identifier(OWNER)
        rights = sql.SQL(owner_rights)  # type: ignore[arg-type]
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN {}").format(user, rights))
        try:
            made = f"CREATE DATABASE unusual OWNER {OWNER} TEMPLATE template0 {options}"
            connection.execute(made)  # type: ignore[call-overload]
            yield make_conninfo(with_database(postgres, "unusual"), user=OWNER)
        finally:
            connection.execute("DROP DATABASE IF EXISTS unusual WITH (FORCE)")
            connection.execute(sql.SQL("DROP ROLE {}").format(user))


def service_session(url: str) -> psycopg.Connection:
    """Return a session that is set up as those of the service."""
    session = psycopg.connect(conninfo(url))
    session.execute(session_settings.SET, session_settings.serving(url))
    session.commit()
    return session
