"""A migration can be interrupted anywhere and run again."""

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
    -- The table of migrations is created first, and may not exist yet.
    IF to_regclass('migrations') IS NOT NULL THEN
        EXECUTE 'SELECT coalesce(max(number), 0) FROM migrations' INTO begun;
    END IF;
    IF begun = {before} THEN
        PERFORM pg_sleep(600);
    END IF;
END $$;
CREATE EVENT TRIGGER trap ON ddl_command_end EXECUTE FUNCTION trap.spring();
"""
"""Makes the migration after number {before} hang after its first DDL statement."""


@pytest.fixture
def empty(postgres: str) -> Iterator[str]:
    """A database that was never migrated."""
    with unmigrated_database(postgres) as url:
        yield url


def trapped_sessions(database: psycopg.Connection) -> list[int]:
    """Return the PIDs of the sessions that hang in the trap."""
    rows = database.execute(
        "SELECT pid FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event = 'PgSleep'"
    ).fetchall()
    return [row[0] for row in rows]


def test_concurrent_migrations_run_once(empty: str) -> None:
    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(migrate, [empty, empty]))
    assert sorted(map(len, done)) == [0, len(NUMBERS)]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["process", "session"])
@pytest.mark.parametrize("number", NUMBERS)
def test_interrupted_migration_is_rolled_back(empty: str, number: int, how: str) -> None:
    before = max((each for each in NUMBERS if each < number), default=0)
    with psycopg.connect(empty, autocommit=True) as database:
        database.execute(TRAP.format(before=before))  # type: ignore[arg-type]
        if how == "process":
            kill_process(database, empty)
        else:
            terminate_session(database, empty)
        database.execute("ALTER EVENT TRIGGER trap DISABLE")
        assert database.execute("SELECT to_regclass('migrations')").fetchone() == (None,)
        wait_until(lambda: not trapped_sessions(database))
        assert len(migrate(empty)) == len(NUMBERS)
        assert migrate(empty) == []


def kill_process(database: psycopg.Connection, url: str) -> None:
    environment = clean_environment(DATABASE_URL=url)
    with subprocess.Popen([*COMMAND, "migrate"], env=environment) as process:
        wait_until(lambda: trapped_sessions(database))
        process.kill()


def terminate_session(database: psycopg.Connection, url: str) -> None:
    with ThreadPoolExecutor(1) as thread:
        migrating = thread.submit(migrate, url)
        wait_until(lambda: trapped_sessions(database))
        database.execute("SELECT pg_terminate_backend(%s)", trapped_sessions(database))
        assert isinstance(migrating.exception(), StoreUnavailable)
