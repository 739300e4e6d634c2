"""The account that the embedded PostgreSQL runs as, if the service is root's: what it cannot do.

A process of that account may put anything into PostgreSQL's folder. These tests run as it.
"""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from unseen_service.embedded_postgres import EmbeddedPostgres
from unseen_service.embedded_postgres.binaries import packaged_bindir
from unseen_service.embedded_postgres.errors import EmbeddedPostgresError

from tests.support.accounts import STRANGER, run_as, start_as
from tests.support.disks import scratch_folder
from tests.support.waiting import wait_until

pytestmark = pytest.mark.root

PLANT_LINK = """
cd "$0" && rm postmaster.pid && mkfifo postmaster.pid || exit 1
lines=$(printf '%s\\n' 999999999 "$0" 1 5432 "$0" "ssh-ed25519 AAAA attacker")
for _ in 1 2; do printf '%s\\n' "$lines" > postmaster.pid; sleep 0.2; done
exec 3> postmaster.pid
ln -s "$1" link && mv -T link postmaster.pid
printf '%s\\n' "$lines" >&3
"""
"""Answer two reads through a FIFO, and replace it by a link before the third one ends."""


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder with a data directory of root's."""
    with scratch_folder() as folder:
        yield folder


def cluster_of(data: Path) -> Path:
    (found,) = (each for each in data.glob("postgres-??") if each.is_dir())
    return found.resolve()


def kill_server(data: Path) -> int:
    """Kill the server, so that the next start finds a stale pid file. Return its account."""
    cluster = cluster_of(data)
    server = psutil.Process(int((cluster / "postmaster.pid").read_text().split()[0]))
    server.send_signal(signal.SIGKILL)
    wait_until(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE)
    return cluster.stat().st_uid


def test_root_does_not_write_through_a_link_in_place_of_the_pid_file(home: Path) -> None:
    own = home / "own"
    own.mkdir(mode=0o700)
    with EmbeddedPostgres(home / "data") as postgres:
        account = kill_server(home / "data")
        planting = start_as(
            account, "sh", "-c", PLANT_LINK, cluster_of(home / "data"), own / "authorized_keys"
        )
        try:
            wait_until((cluster_of(home / "data") / "postmaster.pid").is_fifo)
            # The account can keep its own server from starting, but not make root write anywhere.
            with suppress(EmbeddedPostgresError), psycopg.connect(postgres.start()) as db:
                assert db.execute("SELECT 1").fetchone() == (1,)
        finally:
            planting.kill()
            planting.wait()
            assert list(own.iterdir()) == []


@pytest.mark.parametrize("kind", ["dangling", "file", "folder"])
def test_root_neither_reads_nor_deletes_through_what_replaces_the_pid_file(
    home: Path, kind: str
) -> None:
    own = home / "own"
    own.mkdir(mode=0o700)
    # Lines that parse: root would delete the socket's lock in the folder of the fifth.
    (own / "pids").write_text(f"999999999\n/\n1\n5432\n{own}\n")
    (own / ".s.PGSQL.5432.lock").write_text("of another server")
    before = {each.name: each.read_text() for each in own.iterdir()}
    target = {"dangling": own / "new", "file": own / "pids", "folder": own}[kind]
    with EmbeddedPostgres(home / "data") as postgres:
        account = kill_server(home / "data")
        pid_file = cluster_of(home / "data") / "postmaster.pid"
        assert run_as(account, "ln", "-sfn", target, pid_file).returncode == 0
        with psycopg.connect(postgres.start()) as db:
            assert db.execute("SELECT 1").fetchone() == (1,)
    assert {each.name: each.read_text() for each in own.iterdir()} == before


def test_pid_file_that_names_another_folder_makes_root_delete_nothing(home: Path) -> None:
    own = home / "own"
    own.mkdir(mode=0o700)
    (own / ".s.PGSQL.5432.lock").write_text("of another server")
    with EmbeddedPostgres(home / "data") as postgres:
        account = kill_server(home / "data")
        pid_file = cluster_of(home / "data") / "postmaster.pid"
        lines = f"999999999\\n/\\n1\\n5432\\n{own}\\n"
        assert run_as(account, "sh", "-c", f"printf '{lines}' > {pid_file}").returncode == 0
        postgres.start()
    assert [each.name for each in own.iterdir()] == [".s.PGSQL.5432.lock"]


def test_account_is_its_own_and_cannot_log_in_to_the_database(home: Path) -> None:
    """Otherwise any of its processes could run programs as the database's superuser."""
    with EmbeddedPostgres(home / "data") as postgres:
        url = postgres.start()
        account = cluster_of(home / "data").stat().st_uid
        assert account not in (0, STRANGER)
        sockets = conninfo_to_dict(url)["host"]
        psql = [packaged_bindir() / "psql", "-h", str(sockets), "-U", "unseen", "-d", "unseen"]
        if run_as(account, *psql[:1], "--version").returncode:
            pytest.fail("the account must be able to run psql here, or this proves nothing")
        command = f"COPY (SELECT 1) TO PROGRAM 'cat > {sockets}/ran'"
        refused = run_as(account, *psql, "-c", command)
        assert "Peer authentication failed" in refused.stderr
        assert not Path(str(sockets), "ran").exists()
        stranger = run_as(STRANGER, *psql, "-c", command)
        assert "Permission denied" in stranger.stderr


def test_postgresql_gets_nothing_of_roots_environment(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "secret-of-root")
    with EmbeddedPostgres(home / "data") as postgres:
        postgres.start()
        uid = cluster_of(home / "data").stat().st_uid
        server = psutil.Process(
            int((cluster_of(home / "data") / "postmaster.pid").read_text().split()[0])
        )
        processes = [server, *server.children(recursive=True)]
        assert len(processes) > 1
        for each in processes:
            # As the account itself: that is who could read it.
            shown = run_as(uid, "cat", f"/proc/{each.pid}/environ").stdout
            assert "secret-of-root" not in shown
            names = {entry.partition("=")[0] for entry in shown.split("\0") if "=" in entry}
            assert names <= {"PATH", "LD_LIBRARY_PATH", "LC_CTYPE"}


def test_core_dumps_of_postgresql_are_off(home: Path) -> None:
    with EmbeddedPostgres(home / "data") as postgres:
        postgres.start()
        pid = int((cluster_of(home / "data") / "postmaster.pid").read_text().split()[0])
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert re.search(r"Max core file size +0 +0 ", limits)


def test_data_directory_that_another_account_can_change_is_refused(home: Path) -> None:
    """Root would follow the links that are planted there."""
    data = home / "data"
    data.mkdir()
    os.chown(data, STRANGER, STRANGER)
    from unseen_service.errors import OperatorError  # noqa: PLC0415

    with pytest.raises(OperatorError, match="chown root"):
        EmbeddedPostgres(data).start()
