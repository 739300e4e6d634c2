"""One embedded PostgreSQL for the whole run; a database of its own for every test that asks."""

from collections import Counter
from collections.abc import Iterator

import psycopg
import pytest
from unseen_service.embedded_postgres import EmbeddedPostgres
from unseen_service.store import migrate

from tests import surroundings
from tests.support import Service, fresh_database, named, scratch_folder, serving


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the surroundings that the tests and all that they start live in.

    Also for the workers of pytest-xdist, which inherit them.
    """
    if not hasattr(config, "workerinput"):
        surroundings.prepare()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse two tests of one name: of those, pytest-xdist would run one and say nothing."""
    twice = [name for name, times in Counter(item.nodeid for item in items).items() if times > 1]
    if twice:
        raise pytest.UsageError(f"several tests are called {', '.join(twice)}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remove what the run has left, unless somebody will want to look at it."""
    if not hasattr(session.config, "workerinput") and exitstatus == pytest.ExitCode.OK:
        surroundings.remove()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server; the URL of its database `template_unseen`, migrated and empty."""
    with scratch_folder() as folder, EmbeddedPostgres(folder) as server:
        url = server.start()
        with psycopg.connect(url, autocommit=True) as connection:
            # Nothing here outlives the run; what must survive a crash has servers of its own.
            connection.execute("ALTER SYSTEM SET synchronous_commit = off")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("CREATE DATABASE template_unseen")
        template = named(url, "template_unseen")
        migrate(template)
        yield template


@pytest.fixture
def database_url(postgres: str) -> Iterator[str]:
    """A fresh database of this test alone, migrated."""
    with fresh_database(postgres) as url:
        yield url


@pytest.fixture
def service(database_url: str) -> Iterator[Service]:
    """A real service on a fresh database."""
    with serving(database_url) as running:
        yield running


@pytest.fixture(scope="session")
def any_service(postgres: str) -> Iterator[Service]:
    """A service that many tests share: for those that leave nothing behind that others see."""
    with psycopg.connect(named(postgres, "postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE shared TEMPLATE template_unseen")
    with serving(named(postgres, "shared")) as running:
        yield running
