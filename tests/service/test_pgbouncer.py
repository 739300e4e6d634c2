"""A connection pooler that leaves out what it does not know is refused."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.support.cli import run
from tests.support.ports import free_port
from tests.support.selection import is_root
from tests.support.waiting import wait_until

PGBOUNCER = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
pytestmark = [
    pytest.mark.skipif(PGBOUNCER is None, reason="needs PgBouncer"),
    pytest.mark.skipif(is_root(), reason="PgBouncer does not run as root"),
]


@contextmanager
def pooler(database_url: str, folder: Path, mode: str, ignored: str) -> Iterator[str]:
    """Yield the URL of a database through PgBouncer."""
    given, port = conninfo_to_dict(database_url), free_port()
    target = f"host={given['host']} port={given['port']} user={given['user']}"
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\npooled = {target} dbname={given['dbname']}\n[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        f"pool_mode = {mode}\nignore_startup_parameters = {ignored}\n"
    )
    assert PGBOUNCER is not None
    process = subprocess.Popen([PGBOUNCER, "-q", str(settings)])
    url = f"postgresql://anyone@127.0.0.1:{port}/pooled"
    try:
        wait_until(lambda: answers(url))
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


@pytest.mark.parametrize("mode", ["session", "transaction"])
@pytest.mark.parametrize("ignored", ["extra_float_digits", "extra_float_digits, options"])
def test_pooler_that_loses_the_role_is_refused(
    database_url: str, tmp_path: Path, mode: str, ignored: str
) -> None:
    """The service served with the rights of its login, which may rewrite the log."""
    with pooler(database_url, tmp_path, mode, ignored) as url:
        for command in (["migrate"], ["serve"], ["keys", "issue", "P", "--scope", "match"]):
            refused = run(*command, DATABASE_URL=url, UNSEEN_DATA=str(tmp_path))
            assert refused.returncode == 1
            assert "Connect to PostgreSQL itself" in refused.stderr
            assert "Traceback" not in refused.stderr
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM keys").fetchone() == (0,)
