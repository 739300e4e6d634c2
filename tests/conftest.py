"""One embedded PostgreSQL for the whole run; a database of its own for every test that asks."""

import os
from collections.abc import Iterator

import psycopg
import pytest
from unseen_service.embedded_postgres import EmbeddedPostgres
from unseen_service.store import migrate

from tests.support import Service, fresh_database, named, scratch_folder, serving


def pytest_configure() -> None:
    """Trust no certificate in the whole run: nothing here asks anything but this machine.

    Every client that is made else reads the 150 that a system trusts, 30 ms each time.
    """
    os.environ.pop("SSL_CERT_FILE", None)
    os.environ["SSL_CERT_DIR"] = os.devnull


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
