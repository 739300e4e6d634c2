"""Commands wait for a database that may become available, and report all other errors."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from unseen_service.embedded_postgres import EmbeddedPostgres
from unseen_service.errors import StoreRefused
from unseen_service.store import Store, migrate

from tests.support.cli import run, started
from tests.support.databases import with_database
from tests.support.disks import scratch_folder
from tests.support.hashes import random_pdq
from tests.support.ports import free_port
from tests.support.running_service import RunningService, serving
from tests.support.submissions import submission
from tests.support.waiting import wait_until

PASSWORD = "right/of:way"


@dataclass
class Guarded:
    """A PostgreSQL that requires a password, and an administrator's connection to it."""

    admin: psycopg.Connection
    place: dict[str, Any]

    def url(self, **changed: str) -> str:
        """Return the URL of its database, with some parts changed."""
        return make_conninfo(**{**self.place, **changed})


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    with scratch_folder() as folder, EmbeddedPostgres(folder) as server:
        url = server.start()
        with psycopg.connect(with_database(url, "postgres"), autocommit=True) as admin:
            admin.execute(
                psycopg.sql.SQL("CREATE ROLE someone SUPERUSER LOGIN PASSWORD {}").format(PASSWORD)
            )
            admin.execute("CREATE ROLE outsider LOGIN")
            row = admin.execute("SHOW hba_file").fetchone()
            assert row
            hba_file = Path(row[0])
            before = hba_file.read_text(encoding="utf-8")
            rules = "local all someone,stranger scram-sha-256\nlocal all outsider reject\n"
            hba_file.write_text(rules + before, encoding="utf-8")
            admin.execute("SELECT pg_reload_conf()")
            place = {k: v for k, v in conninfo_to_dict(url).items() if k in ("host", "port")}
            place |= {"dbname": "unseen", "user": "someone", "password": PASSWORD}
            guarded = Guarded(admin, place)
            wait_until(lambda: is_refused(guarded.url(password="wrong")))
            yield guarded


def is_refused(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return True
    return False


WRONG = {
    "wrong password": ({"password": "guessed-one"}, "rejects the password of DATABASE_URL"),
    "no password": ({"password": ""}, "rejects the password of DATABASE_URL"),
    "unknown user": ({"user": "stranger"}, "rejects the password of DATABASE_URL"),
    "rejected user": ({"user": "outsider"}, "rejects the user of DATABASE_URL"),
    "unknown database": ({"dbname": "elsewhere"}, "no database of the name in DATABASE_URL"),
}


@pytest.mark.parametrize("error", WRONG)
def test_serve_exits_when_waiting_cannot_help(guarded: Guarded, error: str) -> None:
    changed, why = WRONG[error]
    assert_exits_with(guarded.url(**changed), why)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:guessed-one@[::1/x",
        "postgresql://u:guessed-one%zz@127.0.0.1/x",
        "postgresql://u:guessed-one@127.0.0.1:port/x",
        "mysql://u:guessed-one@127.0.0.1/x",
        "guessed-one",
        " ",
    ],
)
def test_serve_exits_if_the_url_is_invalid(url: str) -> None:
    assert_exits_with(url, "DATABASE_URL cannot be parsed")


def assert_exits_with(url: str, why: str) -> None:
    """Check that `serve` and `keys list` exit with one line that has the reason, no password."""
    for command in (["serve", "--port", str(free_port())], ["keys", "list"]):
        with scratch_folder() as folder:
            failed = run(*command, DATABASE_URL=url, UNSEEN_DATA=str(folder / "data"))
        assert (failed.returncode, failed.stdout) == (1, "")
        assert why in failed.stderr
        assert failed.stderr.count("\n") == 1
        assert failed.stderr.startswith("unseen-service: ")
        assert "guessed-one" not in failed.stderr


def test_migrate_checks_both_urls(guarded: Guarded) -> None:
    """If the URL for serving does not work, no worker could ever answer."""
    urls = {
        "UNSEEN_MIGRATE_URL": guarded.url(),
        "DATABASE_URL": guarded.url(password="guessed-one"),
    }
    failed = run("migrate", **urls)
    assert failed.returncode == 1
    assert "rejects the password of DATABASE_URL" in failed.stderr
    urls = {"UNSEEN_MIGRATE_URL": guarded.url(user="outsider"), "DATABASE_URL": guarded.url()}
    assert "rejects the user of UNSEEN_MIGRATE_URL" in run("migrate", **urls).stderr


def test_serve_waits_and_reports_each_reason_once(guarded: Guarded) -> None:
    port = free_port()
    guarded.admin.execute("ALTER ROLE someone NOSUPERUSER CONNECTION LIMIT 0")
    try:
        with (
            scratch_folder() as folder,
            started(
                *("serve", "--port", str(port), "--data", str(folder / "data")),
                DATABASE_URL=guarded.url(),
            ) as waiting,
        ):
            wait_until(lambda: waiting.lines)
            guarded.admin.execute("ALTER DATABASE unseen ALLOW_CONNECTIONS false")
            guarded.admin.execute("ALTER ROLE someone SUPERUSER CONNECTION LIMIT -1")
            wait_until(lambda: len(waiting.lines) == 2)
            guarded.admin.execute("ALTER DATABASE unseen ALLOW_CONNECTIONS true")
            wait_until(RunningService(f"http://127.0.0.1:{port}", "").is_ready)
            assert waiting.lines[:2] == [
                "waiting for the database: it has no free connection ...\n",
                "waiting for the database: it refuses the connection, with SQLSTATE 55000 ...\n",
            ]
            assert not [each for each in waiting.lines[2:] if "waiting" in each]
    finally:
        guarded.admin.execute("ALTER DATABASE unseen ALLOW_CONNECTIONS true")
        guarded.admin.execute("ALTER ROLE someone SUPERUSER CONNECTION LIMIT -1")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://u:guessed-one@127.0.0.1:{port}/x", "nothing answers at its address"),
        ("postgresql://u:guessed-one@host.invalid/x", "the name of its host does not resolve"),
        # An "@" that is not percent-encoded: the rest of the password is taken for the host.
        ("postgresql://u:x@guessed-one@127.0.0.1:1/x", "the name of its host does not resolve"),
    ],
)
def test_serve_waits_for_an_unreachable_server(url: str, why: str) -> None:
    url = url.format(port=free_port())
    with (
        scratch_folder() as folder,
        started(
            *("serve", "--port", str(free_port()), "--data", str(folder / "data")),
            DATABASE_URL=url,
        ) as waiting,
    ):
        wait_until(lambda: waiting.lines)
        assert waiting.process.poll() is None
    (line,) = waiting.lines
    assert line == f"waiting for the database: {why} ...\n"
    failed = run("keys", "list", DATABASE_URL=url).stderr
    assert why in failed
    assert "guessed-one" not in failed


def test_migrate_reports_waiting_for_another_migration(database_url: str) -> None:
    lock = import_module("unseen_service.store.migrate")._LOCK
    with psycopg.connect(database_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (lock,))
        with started("migrate", DATABASE_URL=database_url) as waiting:
            wait_until(lambda: waiting.lines)
            assert waiting.process.poll() is None
            other.rollback()
            assert waiting.process.wait(timeout=60) == 0
    assert waiting.lines == ["waiting for another process that migrates the database ...\n"]


def test_read_only_and_old_servers_are_refused(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = conninfo_to_dict(database_url)["dbname"]
    with psycopg.connect(with_database(database_url, "postgres"), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")  # type: ignore[call-overload]
    assert (
        "it is read-only: it is a standby" in run("keys", "list", DATABASE_URL=database_url).stderr
    )
    monkeypatch.setattr(import_module("unseen_service.store.migrate"), "_OLDEST_VERSION", 99)
    with pytest.raises(StoreRefused, match=r"This is PostgreSQL \d+; Unseen needs 99 or newer"):
        migrate(database_url)


def test_service_survives_a_temporary_password_change(
    guarded: Guarded, log_messages: list[str]
) -> None:
    migrate(guarded.url())

    def set_password(password: str) -> None:
        change = psycopg.sql.SQL("ALTER ROLE someone PASSWORD {}").format(password)
        guarded.admin.execute(change)
        guarded.admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'someone'"
        )

    def outage() -> list[str]:
        return [each for each in log_messages if each.startswith("PostgreSQL")]

    with serving(guarded.url(), pool_timeout_ms=1_500) as service:

        def submitted() -> int:
            body = submission(random_pdq(1))
            return httpx.post(f"{service.url}/v1/cases", json=body, timeout=60).status_code

        assert submitted() == 201
        set_password("another")
        wait_until(outage)
        assert submitted() == 503
        set_password(PASSWORD)
        wait_until(lambda: submitted() == 201)
        wait_until(lambda: len(outage()) == 2)
    assert outage()[0].startswith("PostgreSQL is unavailable: it rejects the password")
    assert PASSWORD not in str(log_messages)
    assert guarded.url() not in str(log_messages)


@contextmanager
def server_that_hangs_at_the_second_connection() -> Iterator[str]:
    """Accept connections as a failing proxy may: close the first, never answer the others."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                listener.accept()[0].close()
                while True:
                    held.append(listener.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"postgresql://u@127.0.0.1:{listener.getsockname()[1]}/x"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for each in held:
                each.close()


def test_finding_out_why_does_not_stop_the_event_loop() -> None:
    """A worker whose loop stops for 5 s is killed, and answers no more misses from memory."""

    async def longest_gap(url: str) -> float:
        asking = asyncio.create_task(Store(url).why_unavailable())
        longest, last = 0.0, time.monotonic()
        while not asking.done():
            await asyncio.sleep(0.01)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        assert await asking == "nothing answers at its address"
        return longest

    with server_that_hangs_at_the_second_connection() as url:
        assert asyncio.run(longest_gap(url)) < 2
