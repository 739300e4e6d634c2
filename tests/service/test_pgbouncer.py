"""PgBouncer: session mode is supported, modes that share sessions are refused."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from unseen_service.store import Store
from unseen_service.usecases import audit_log

from tests.support.cli import run, started
from tests.support.databases import created
from tests.support.hashes import random_pdq
from tests.support.ports import free_port
from tests.support.running_service import serving
from tests.support.selection import is_root
from tests.support.submissions import submit, withdraw
from tests.support.waiting import wait_until

PGBOUNCER = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
pytestmark = [
    pytest.mark.skipif(PGBOUNCER is None, reason="needs PgBouncer"),
    pytest.mark.skipif(is_root(), reason="PgBouncer does not run as root"),
]


@contextmanager
def pooler(
    database_url: str, folder: Path, mode: str, ignored: str, *, is_down: bool = False
) -> Iterator[str]:
    """Yield the URL of a database through PgBouncer; `is_down` says that nobody is behind it."""
    given, port = conninfo_to_dict(database_url), free_port()
    target = f"host={given['host']} port={given['port']} user={given['user']}"
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\npooled = {target} dbname={given['dbname']}\n[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        f"pool_mode = {mode}\nignore_startup_parameters = {ignored}\n"
        f"query_wait_timeout = {1 if is_down else 120}\n"
    )
    assert PGBOUNCER is not None
    process = subprocess.Popen([PGBOUNCER, "-q", str(settings)])
    url = f"postgresql://anyone@127.0.0.1:{port}/pooled"
    try:
        wait_until(lambda: is_listening(port) if is_down else answers(url))
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("ignored", ["extra_float_digits", "options"])
def test_session_mode_is_supported(database_url: str, tmp_path: Path, ignored: str) -> None:
    """Role and time limits were lost in silence: the login may rewrite the log."""
    with pooler(database_url, tmp_path, "session", ignored) as url, serving(url) as service:
        case = submit(service, random_pdq(1))
        service.wait_in_step()  # which a notification tells
        with service.client("match") as platform:
            hits = platform.post("/v1/match", json={"hashes": [random_pdq(1)]}).json()["hits"]
            assert len(hits) == 1
        withdraw(service, case)
        service.flow(audit_log.verify_audit)
        assert service.flow(session_of) == ("unseen_serve", "3s", "ISO, MDY")
        migrated = run("migrate", DATABASE_URL=url, UNSEEN_DATA=str(tmp_path))
        assert migrated.returncode == 0, migrated.stderr


async def session_of(store: Store) -> tuple[str, ...]:
    async with store.transaction() as tx:
        names = "role", "idle_in_transaction_session_timeout", "DateStyle"
        rows = [await (await tx.execute(f"SHOW {each}")).fetchone() for each in names]
    return tuple(value for row in rows if row for value in row.values())


@pytest.mark.parametrize("mode", ["transaction", "statement"])
@pytest.mark.parametrize("others", [0, 3])
def test_shared_sessions_are_refused_before_anything_changes(
    postgres: str, tmp_path: Path, mode: str, others: int
) -> None:
    """However many connections the pooler has open already."""
    with created(postgres, owner_rights="SUPERUSER") as empty:
        with pooler(empty, tmp_path, mode, "extra_float_digits, options") as url:
            with ThreadPoolExecutor(others or 1) as pool:
                list(pool.map(lambda _: busy(url), range(others)))
            for command in (["migrate"], ["serve"], ["keys", "issue", "P", "--scope", "match"]):
                refused = run(*command, DATABASE_URL=url, UNSEEN_DATA=str(tmp_path))
                assert refused.returncode == 1
                assert "pool_mode = session" in refused.stderr
                assert "Traceback" not in refused.stderr
        with psycopg.connect(empty) as connection:
            tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
            assert connection.execute(tables).fetchone() == (0,)


def busy(url: str) -> None:
    """Keep one of the pooler's connections to PostgreSQL for a while."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_sleep(0.5)")


def test_startup_options_that_a_pooler_refuses_are_named(database_url: str, tmp_path: Path) -> None:
    with pooler(database_url, tmp_path, "session", "extra_float_digits") as url:
        own = make_conninfo(url, options="-c search_path=public")
        refused = run("serve", DATABASE_URL=own, UNSEEN_DATA=str(tmp_path))
        assert refused.returncode == 1
        assert "leave out `options`" in refused.stderr
        assert "Traceback" not in refused.stderr


def test_serve_waits_for_a_server_that_the_pooler_does_not_reach(
    database_url: str, tmp_path: Path
) -> None:
    """PgBouncer gives its refusals of sessions and a server that is down the same SQLSTATE."""
    down = make_conninfo(database_url, host="127.0.0.1", port=free_port())
    with (
        pooler(down, tmp_path, "session", "options", is_down=True) as url,
        started(
            *("serve", "--port", str(free_port()), "--data", str(tmp_path / "data")),
            DATABASE_URL=url,
        ) as waiting,
    ):
        wait_until(lambda: waiting.lines)
        assert waiting.process.poll() is None
    (line,) = waiting.lines
    assert line == "waiting for the database: a pooler in front of it has no connection to it ...\n"
