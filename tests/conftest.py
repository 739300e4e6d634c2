"""Hooks, and the fixtures of all tests: one PostgreSQL server for the run, a database per test."""

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from unseen_service.embedded_postgres import EmbeddedPostgres
from unseen_service.store import migrate

pytest.register_assert_rewrite("tests.support")

from tests.support import environment, options
from tests.support.databases import fresh_database, with_database
from tests.support.disks import scratch_folder
from tests.support.encryption import encrypt_empty
from tests.support.running_service import RunningService, serving
from tests.support.selection import is_root, starts_process
from tests.support.service_log import collecting_messages
from tests.support.tcp_proxy import TcpProxy
from tests.support.webhook_receiver import WebhookReceiver

_LEFT_TO_ROOT = "left_to_root"
_left_to_root = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of these tests."""
    options.add_to(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the environment, whose files the workers of pytest-xdist share."""
    environment.remove_variables()
    if not hasattr(config, "workerinput"):
        environment.prepare()
    # How long an example takes says how busy the machine is.
    hypothesis.settings.register_profile("unseen", deadline=None)
    hypothesis.settings.load_profile("unseen")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the tests that start a process or a service: `make test-fast` deselects them."""
    if isinstance(item, pytest.Function) and starts_process(item):
        item.add_marker("process")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that only root can run; refuse two tests of one name."""
    times = Counter(item.nodeid for item in items)
    twice = [name for name, number in times.items() if number > 1]
    if twice:
        # pytest-xdist would run one of them, and not report it.
        raise pytest.UsageError(f"several tests are called {', '.join(twice)}")
    if not is_root():
        _deselect_root(config, items)


def _deselect_root(config: pytest.Config, items: list[pytest.Item]) -> None:
    needing = [item for item in items if item.get_closest_marker("root")]
    items[:] = [item for item in items if not item.get_closest_marker("root")]
    config.hook.pytest_deselected(items=needing)
    if hasattr(config, "workeroutput"):
        config.workeroutput[_LEFT_TO_ROOT] = len(needing)
    else:
        config.stash[_left_to_root] = len(needing)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Keep the count of a worker of pytest-xdist; each of them collects all tests."""
    node.config.stash[_left_to_root] = getattr(node, "workeroutput", {}).get(_LEFT_TO_ROOT, 0)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail on unexpected skips; remove temporary files unless a failure is to be examined."""
    if hasattr(session.config, "workerinput"):
        return
    if session.exitstatus == pytest.ExitCode.OK and options.unexpected_skips(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if session.exitstatus == pytest.ExitCode.OK:
        environment.remove_files()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print what was left out: tests that need root, and skips that are not expected."""
    if left := config.stash.get(_left_to_root, 0):
        terminalreporter.write_line(
            f"{left} tests marked `root` left out: this account is not root"
        )
    if unexpected := options.unexpected_skips(config):
        terminalreporter.section("skips that are not expected", red=True)
        terminalreporter.write_line("\n".join(unexpected))


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[str]:
    """A PostgreSQL server; the URL of its database `template_unseen`, migrated and empty."""
    bindir = request.config.getoption("postgres_bin")
    with scratch_folder() as folder, EmbeddedPostgres(folder, bindir=bindir) as server:
        url = server.start()
        with psycopg.connect(url, autocommit=True) as connection:
            # No data here outlives the run; tests of crashes have servers of their own.
            connection.execute("ALTER SYSTEM SET synchronous_commit = off")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("CREATE DATABASE template_unencrypted")
            migrate(with_database(url, "template_unencrypted"))
            connection.execute("CREATE DATABASE template_unseen TEMPLATE template_unencrypted")
        template = with_database(url, "template_unseen")
        encrypt_empty(template)
        yield template


@pytest.fixture
def database_url(postgres: str) -> Iterator[str]:
    """The URL of a migrated, empty database of this test alone."""
    with fresh_database(postgres) as url:
        yield url


@pytest.fixture
def service(database_url: str) -> Iterator[RunningService]:
    """A real service on a fresh database."""
    with serving(database_url) as running:
        yield running


@pytest.fixture(scope="session")
def any_service(postgres: str) -> Iterator[RunningService]:
    """A service that many tests share: for tests that change nothing that others see."""
    with psycopg.connect(with_database(postgres, "postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE shared TEMPLATE template_unseen")
    with serving(with_database(postgres, "shared")) as running:
        yield running


@pytest.fixture
def data_directory() -> Iterator[Path]:
    """A data directory, for a service with an embedded PostgreSQL, that does not exist yet."""
    with scratch_folder() as folder:
        yield folder / "data"


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    """An endpoint for webhooks on this machine."""
    running = WebhookReceiver()
    yield running
    running.close()


@pytest.fixture
def database_proxy(database_url: str) -> Iterator[TcpProxy]:
    """A proxy in front of the database of this test."""
    with TcpProxy(database_url).running() as running:
        yield running


@pytest.fixture
def log_messages(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """The messages that the service logs during this test, at level INFO and above, in order."""
    caplog.set_level(logging.INFO, "unseen_service")
    with collecting_messages() as messages:
        yield messages
