"""A database that cannot be had: what mends itself is waited for, and what does not is told."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from unseen_service.embedded_postgres import EmbeddedPostgres
from unseen_service.errors import StoreRefused
from unseen_service.store import migrate

from tests.support.cli import COMMAND, run
from tests.support.databases import with_database
from tests.support.disks import scratch_folder
from tests.support.environment import clean_environment
from tests.support.hashes import random_pdq
from tests.support.ports import free_port
from tests.support.running_service import RunningService, serving
from tests.support.submissions import submission
from tests.support.waiting import wait_until

PASSWORD = "right/of:way"


@dataclass
class Guarded:
    """A server of its own that asks for a password, and what it is as its administrator."""

    admin: psycopg.Connection
    place: dict[str, Any]

    def url(self, **changed: str) -> str:
        """Give an address of its database, with something else than would be right."""
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
            doors = Path(row[0])
            before = doors.read_text(encoding="utf-8")
            guards = "local all someone,stranger scram-sha-256\nlocal all outsider reject\n"
            doors.write_text(guards + before, encoding="utf-8")
            admin.execute("SELECT pg_reload_conf()")
            place = {k: v for k, v in conninfo_to_dict(url).items() if k in ("host", "port")}
            place |= {"dbname": "unseen", "user": "someone", "password": PASSWORD}
            guarded = Guarded(admin, place)
            wait_until(lambda: refused(guarded.url(password="wrong")))
            yield guarded


def refused(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return True
    return False


WRONG = {
    "password": ({"password": "guessed-one"}, 'password authentication failed for user "someone"'),
    "no password": ({"password": ""}, "no password supplied"),
    "a user that is none": ({"user": "stranger"}, "password authentication failed"),
    "a user without a door": ({"user": "outsider"}, "pg_hba.conf rejects connection"),
    "database": ({"dbname": "elsewhere"}, 'database "elsewhere" does not exist'),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_mend_itself_is_not_waited_for(guarded: Guarded, what: str) -> None:
    changed, why = WRONG[what]
    told_of(guarded.url(**changed), why)


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
def test_a_url_that_is_none_is_not_waited_for(url: str) -> None:
    told_of(url, "DATABASE_URL cannot be parsed")


def told_of(url: str, why: str) -> None:
    """Hold what `serve` says, as any other command, to one line with the reason and no more."""
    for command in (["serve", "--port", str(free_port())], ["keys", "list"]):
        with scratch_folder() as folder:
            failed = run(*command, DATABASE_URL=url, UNSEEN_DATA=str(folder / "data"))
        assert (failed.returncode, failed.stdout) == (1, "")
        assert why in failed.stderr
        assert failed.stderr.count("\n") == 1
        assert failed.stderr.startswith("unseen-service: ")
        assert "guessed-one" not in failed.stderr


def test_the_other_user_is_looked_at_too(guarded: Guarded) -> None:
    """Who migrates is let in, and who serves is not: no worker could ever answer."""
    urls = {
        "UNSEEN_MIGRATE_URL": guarded.url(),
        "DATABASE_URL": guarded.url(password="guessed-one"),
    }
    failed = run("migrate", **urls)
    assert failed.returncode == 1
    assert "refuses the connection of DATABASE_URL" in failed.stderr
    urls = {"UNSEEN_MIGRATE_URL": guarded.url(user="outsider"), "DATABASE_URL": guarded.url()}
    assert "refuses the connection of UNSEEN_MIGRATE_URL" in run("migrate", **urls).stderr


@dataclass
class Waiting:
    """A command that waits, and the lines that it says meanwhile."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)


@contextmanager
def started(*arguments: str, **environment: str) -> Iterator[Waiting]:
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        env=clean_environment(**environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    waiting = Waiting(process)

    def read() -> None:
        assert process.stderr
        waiting.lines.extend(line for line in process.stderr)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield waiting
    finally:
        process.terminate()
        process.wait(timeout=60)
        reader.join(timeout=60)
        with suppress(AttributeError):
            process.stderr.close()  # type: ignore[union-attr]


def test_what_mends_itself_is_waited_for_and_told_once_a_reason(guarded: Guarded) -> None:
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
                'waiting for the database: FATAL: too many connections for role "someone" ...\n',
                'waiting for the database: FATAL: database "unseen" is not currently accepting'
                " connections ...\n",
            ]
            assert not [each for each in waiting.lines[2:] if "waiting" in each]
    finally:
        guarded.admin.execute("ALTER DATABASE unseen ALLOW_CONNECTIONS true")
        guarded.admin.execute("ALTER ROLE someone SUPERUSER CONNECTION LIMIT -1")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://u:guessed-one@127.0.0.1:{port}/x", "Connection refused"),
        ("postgresql://u:guessed-one@host.invalid/x", "failed to resolve host 'host.invalid'"),
    ],
)
def test_a_server_that_is_not_there_yet_is_waited_for(url: str, why: str) -> None:
    url = url.format(port=free_port())
    with (
        scratch_folder() as folder,
        started("serve", "--data", str(folder / "data"), DATABASE_URL=url) as waiting,
    ):
        wait_until(lambda: waiting.lines)
        assert waiting.process.poll() is None
    (line,) = waiting.lines
    assert line.startswith("waiting for the database: ")
    assert why in line
    assert why in run("keys", "list", DATABASE_URL=url).stderr


def test_who_waits_for_another_migration_says_so(database_url: str) -> None:
    lock = import_module("unseen_service.store.migrate")._LOCK
    with psycopg.connect(database_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (lock,))
        with started("migrate", DATABASE_URL=database_url) as waiting:
            wait_until(lambda: waiting.lines)
            assert waiting.process.poll() is None
            other.rollback()
            assert waiting.process.wait(timeout=60) == 0
    assert waiting.lines == ["waiting for another process that migrates the database ...\n"]


def test_a_server_that_only_reads_or_is_too_old_is_told(
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


def test_a_password_that_is_changed_while_it_serves_is_told_and_waited_for(
    guarded: Guarded, log_messages: list[str]
) -> None:
    migrate(guarded.url())

    def be(password: str) -> None:
        change = psycopg.sql.SQL("ALTER ROLE someone PASSWORD {}").format(password)
        guarded.admin.execute(change)
        guarded.admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'someone'"
        )

    with serving(guarded.url(), pool_timeout_ms=1_500) as service:

        def submitted() -> int:
            body = submission(random_pdq(1))
            return httpx.post(f"{service.url}/v1/cases", json=body, timeout=60).status_code

        assert submitted() == 201
        be("another")
        wait_until(lambda: log_messages)
        assert submitted() == 503
        be(PASSWORD)
        wait_until(lambda: submitted() == 201)
        wait_until(lambda: len(log_messages) == 2)
    assert log_messages[0].startswith("PostgreSQL is unavailable: it refuses the connection")
    assert PASSWORD not in str(log_messages)
    assert guarded.url() not in str(log_messages)
