"""A migration that is interrupted, wherever it is, leaves a database that can be migrated."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from unseen_service.errors import StoreUnavailable
from unseen_service.store import migrate
from unseen_service.store.migrate import known_migrations

from tests.support.cli import COMMAND
from tests.support.databases import unmigrated_database
from tests.support.environment import clean_environment
from tests.support.waiting import wait_until

NUMBERS = [each.number for each in known_migrations()]
TRAP = """
CREATE SCHEMA trap;
CREATE FUNCTION trap.spring() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
    begun integer := 0;
BEGIN
    -- The ledger itself is made first, and may not be there yet.
    IF to_regclass('migrations') IS NOT NULL THEN
        EXECUTE 'SELECT coalesce(max(number), 0) FROM migrations' INTO begun;
    END IF;
    IF begun = {before} THEN
        PERFORM pg_sleep(600);
    END IF;
END $$;
CREATE EVENT TRIGGER trap ON ddl_command_end EXECUTE FUNCTION trap.spring();
"""
"""Holds the migration that follows number {before} up, behind its first statement of DDL."""


@pytest.fixture
def empty(postgres: str) -> Iterator[str]:
    """A database that was never migrated."""
    with unmigrated_database(postgres) as url:
        yield url


def held_up(database: psycopg.Connection) -> list[int]:
    """Find the sessions that are held up in the trap."""
    rows = database.execute(
        "SELECT pid FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event = 'PgSleep'"
    ).fetchall()
    return [row[0] for row in rows]


def test_two_at_once_migrate_once(empty: str) -> None:
    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(migrate, [empty, empty]))
    assert sorted(map(len, done)) == [0, len(NUMBERS)]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["process", "session"])
@pytest.mark.parametrize("number", NUMBERS)
def test_half_a_migration_is_none(empty: str, number: int, how: str) -> None:
    before = max((each for each in NUMBERS if each < number), default=0)
    with psycopg.connect(empty, autocommit=True) as database:
        database.execute(TRAP.format(before=before))  # type: ignore[arg-type]
        if how == "process":
            killed_in_the_middle(database, empty)
        else:
            terminated_in_the_middle(database, empty)
        database.execute("ALTER EVENT TRIGGER trap DISABLE")
        assert database.execute("SELECT to_regclass('migrations')").fetchone() == (None,)
        wait_until(lambda: not held_up(database))
        assert len(migrate(empty)) == len(NUMBERS)
        assert migrate(empty) == []


def killed_in_the_middle(database: psycopg.Connection, url: str) -> None:
    environment = clean_environment(DATABASE_URL=url)
    with subprocess.Popen([*COMMAND, "migrate"], env=environment) as process:
        wait_until(lambda: held_up(database))
        process.kill()


def terminated_in_the_middle(database: psycopg.Connection, url: str) -> None:
    with ThreadPoolExecutor(1) as thread:
        migrating = thread.submit(migrate, url)
        wait_until(lambda: held_up(database))
        database.execute("SELECT pg_terminate_backend(%s)", held_up(database))
        assert isinstance(migrating.exception(), StoreUnavailable)
