"""The embedded PostgreSQL through its public interface: real servers, really killed."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from unseen_service.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError, server
from unseen_service.embedded_postgres.account import Account
from unseen_service.embedded_postgres.binaries import packaged_bindir

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
HASH = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
OWNER = """
import sys
from pathlib import Path
from unseen_service.embedded_postgres import EmbeddedPostgres
print(EmbeddedPostgres(Path(sys.argv[1])).start(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """Create a scratch folder with a short path that the server's account can enter."""
    folder = Path(tempfile.mkdtemp(prefix="pg-")).resolve()
    folder.chmod(0o711)
    yield folder

    def remove() -> bool:  # a server whose owner was killed may still be shutting down
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()

    wait_until(remove)


@contextmanager
def owner(data: Path) -> Iterator[subprocess.Popen[str]]:
    """Start another Python process that starts a server on `data` and prints its URL."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def read_url(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def cluster(data: Path) -> Path:
    (found,) = data.glob("postgres-??")
    return found


def postmaster(data: Path) -> int:
    return int((cluster(data) / "postmaster.pid").read_text().split()[0])


def wait_until(condition: Callable[[], bool], within_s: float = 60.0) -> float:
    """Wait for `condition`; return how long that took, in seconds."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() < begun + within_s, f"still false after {within_s} s"
        time.sleep(0.005)
    return time.monotonic() - begun


def has_ended(pid: int) -> bool:
    """Return whether a process has ended. Zombies have."""
    if not Path("/proc/self").exists():  # macOS
        command = ["ps", "-o", "stat=", "-p", str(pid)]
        state = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        return not state.strip() or state.startswith("Z")
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def write(url: str, *numbers: int) -> None:
    with psycopg.connect(url) as db:
        db.execute("CREATE TABLE IF NOT EXISTS kept (number int PRIMARY KEY)")
        for number in numbers:
            db.execute("INSERT INTO kept VALUES (%s)", [number])


def read(url: str) -> list[int]:
    with psycopg.connect(url) as db:
        return [row[0] for row in db.execute("SELECT number FROM kept ORDER BY number")]


def test_rows_survive_a_restart(home: Path) -> None:
    begun = time.monotonic()
    with EmbeddedPostgres(home / "data") as postgres:
        fresh = time.monotonic() - begun
        write(postgres.start(), 1, 2)  # a second start joins the first
        pid = postmaster(home / "data")
    assert has_ended(pid)
    begun = time.monotonic()
    with EmbeddedPostgres(home / "data") as postgres:
        print(f"fresh start {fresh:.2f} s, restart {time.monotonic() - begun:.2f} s")
        assert read(postgres.start()) == [1, 2]


def test_server_is_closed_to_the_network_and_to_other_accounts(home: Path) -> None:
    with (
        EmbeddedPostgres(home / "data") as postgres,
        psycopg.connect(postgres.start()) as db,
    ):

        def setting(name: str) -> str:
            row = db.execute("SELECT current_setting(%s)", [name]).fetchone()
            assert row
            return str(row[0])

        assert setting("listen_addresses") == ""
        assert setting("fsync") == "on"
        assert Path(setting("unix_socket_directories")).stat().st_mode & 0o777 == 0o700
        assert db.info.dbname == "unseen"
        assert db.info.user == "unseen"


def test_environment_variables_of_postgres_are_ignored(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGPORT": "1", "PGHOST": "nowhere.invalid", "LC_ALL": "xx_XX.nope"}.items():
        monkeypatch.setenv(name, value)
    with EmbeddedPostgres(home / "data") as postgres:
        write(postgres.start(), 1)


def test_committed_rows_survive_a_killed_server(home: Path) -> None:
    postgres = EmbeddedPostgres(home / "data")
    with postgres:
        write(postgres.start(), 1, 2, 3)
        os.kill(postmaster(home / "data"), signal.SIGKILL)
        begun = time.monotonic()
        url = postgres.start()
        print(f"back after kill -9 in {time.monotonic() - begun:.2f} s")
        assert read(url) == [1, 2, 3]


def test_killed_server_of_a_running_owner_is_replaced(home: Path) -> None:
    with owner(home / "data") as process:
        write(read_url(process), 1)
        os.kill(postmaster(home / "data"), signal.SIGKILL)  # remains a zombie of its owner
        with EmbeddedPostgres(home / "data") as postgres:
            assert read(postgres.start()) == [1]


@pytest.mark.skipif(sys.platform != "linux", reason="no parent-death signal but on Linux")
def test_server_exits_when_its_owner_is_killed(home: Path) -> None:
    with owner(home / "data") as process:
        write(read_url(process), 1)
        pid = postmaster(home / "data")
        process.kill()
        process.wait()
        print(
            f"postgres gone {wait_until(lambda: has_ended(pid)):.3f} s after kill -9 of its owner"
        )
    with EmbeddedPostgres(home / "data") as postgres:
        assert read(postgres.start()) == [1]


def test_process_named_by_a_stale_pid_file_is_left_alone(home: Path) -> None:
    postgres = EmbeddedPostgres(home / "data")
    with postgres:
        write(postgres.start(), 1)
        pid = postmaster(home / "data")
        pid_file = cluster(home / "data") / "postmaster.pid"
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: has_ended(pid))
        account = Account.choose(None, None)  # the server's, or postgres would see through it
        switch = {"user": account.uid, "group": account.gid} if os.geteuid() == 0 else {}
        with subprocess.Popen(["sleep", "60"], **switch) as bystander:
            try:
                for stale in (pid_file, pid_file.with_name(".s.PGSQL.5432.lock")):
                    stale.write_text(stale.read_text().replace(str(pid), str(bystander.pid)))
                assert read(postgres.start()) == [1]
                assert bystander.poll() is None
            finally:
                bystander.kill()


@pytest.mark.slow
def test_damaged_pid_file_is_ignored(home: Path) -> None:
    postgres = EmbeddedPostgres(home / "data")
    for number, text in enumerate(["", "nonsense\n", "-1\n"]):
        with postgres:
            write(postgres.start(), number)
        (cluster(home / "data") / "postmaster.pid").write_text(text)
    with postgres:
        assert read(postgres.start()) == [0, 1, 2]


def test_processes_share_a_server_and_only_its_owner_stops_it(home: Path) -> None:
    with owner(home / "data") as process:
        url = read_url(process)
        pid = postmaster(home / "data")
        with EmbeddedPostgres(home / "data") as joined:
            assert joined.start() == url
            write(joined.start(), 7)
        assert postmaster(home / "data") == pid
        assert read(url) == [7]


@pytest.mark.slow
def test_processes_that_start_together_share_one_server(home: Path) -> None:
    with owner(home / "data") as one, owner(home / "data") as two, owner(home / "data") as three:
        urls = {read_url(one), read_url(two), read_url(three)}
        assert len(urls) == 1
        log = next((home / "data").glob("*.log")).read_text()
        assert log.count("ready to accept connections") == 1


@pytest.mark.slow
def test_copied_folder_gets_its_own_server(home: Path) -> None:
    with EmbeddedPostgres(home / "data") as original:
        write(original.start(), 1)
        no_sockets = shutil.ignore_patterns(".s.PGSQL*")
        shutil.copytree(home / "data", home / "copy", ignore=no_sockets)
        for path in [cluster(home / "copy"), *cluster(home / "copy").rglob("*")]:
            if os.geteuid() == 0:
                shutil.chown(path, Account.choose(None, None).uid)
        with EmbeddedPostgres(home / "copy") as copy:
            write(copy.start(), 2)
            assert read(original.start()) == [1]


def test_incomplete_cluster_is_not_used(home: Path) -> None:
    data = home / "data"
    with owner(data) as process:
        wait_until(lambda: any(data.glob(".postgres-*.new-*/base")))
        process.kill()
        process.wait()
    assert not list(data.glob("postgres-??"))
    with EmbeddedPostgres(data) as postgres:
        write(postgres.start(), 1)
        assert read(postgres.start()) == [1]


@pytest.mark.parametrize("name", ["long" * 24, "a,b", "a b+c%d"])
def test_path_unsuitable_for_a_socket_works(home: Path, name: str) -> None:
    with EmbeddedPostgres(home / name) as postgres, EmbeddedPostgres(home / name) as joined:
        write(postgres.start(), 1)
        assert read(joined.start()) == [1]
        sockets = Path(psycopg.conninfo.conninfo_to_dict(postgres.start())["host"])
        assert sockets.stat().st_mode & 0o777 == 0o700
    assert sockets == cluster(home / name) or not sockets.exists()


def test_no_hash_is_logged(home: Path) -> None:
    with (
        EmbeddedPostgres(home / "data") as postgres,
        psycopg.connect(postgres.start(), autocommit=True) as db,
    ):
        db.execute("CREATE TABLE hashes (pdq text PRIMARY KEY)")
        db.execute("INSERT INTO hashes VALUES (%s)", [HASH])
        with pytest.raises(psycopg.errors.UniqueViolation, match=HASH):
            db.execute("INSERT INTO hashes VALUES (%s)", [HASH])
        with pytest.raises(psycopg.errors.InvalidTextRepresentation, match=HASH):
            db.execute(f"SELECT '{HASH}'::int")
        with pytest.raises(psycopg.errors.AdminShutdown):
            db.execute(f"SELECT pg_terminate_backend(pg_backend_pid()), '{HASH}'")
    log = next((home / "data").glob("*.log")).read_text()
    assert "terminating connection" in log
    assert HASH not in log


def test_start_failure_names_the_log_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(server.SETTINGS, "shared_buffers", "nonsense")
    monkeypatch.setattr(server, "_ORPHAN_EXIT_TIMEOUT_S", 0.2)
    with pytest.raises(EmbeddedPostgresError, match=r"reason is at the end of .*\.log"):
        EmbeddedPostgres(home / "data").start()


def test_error_on_windows_suggests_database_url(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(EmbeddedPostgresError, match="DATABASE_URL"):
        EmbeddedPostgres(home / "data").start()


def test_start_outside_the_main_thread_is_refused(home: Path) -> None:
    caught: list[EmbeddedPostgresError] = []

    def start() -> None:
        with pytest.raises(EmbeddedPostgresError) as error:
            EmbeddedPostgres(home / "data").start()
        caught.append(error.value)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in caught[0].hint


def test_unwritable_data_folder_is_reported(home: Path) -> None:
    (home / "data").write_text("a file, not a folder")
    with pytest.raises(EmbeddedPostgresError, match="Choose a directory"):
        EmbeddedPostgres(home / "data").start()


@pytest.mark.parametrize("bindir", sorted(Path("/usr/lib/postgresql").glob("*/bin")), ids=str)
def test_system_postgres_works(home: Path, bindir: Path) -> None:
    with EmbeddedPostgres(home / "data", bindir=bindir) as postgres:
        write(postgres.start(), 1)
        assert cluster(home / "data").name == f"postgres-{bindir.parent.name}"


@pytest.mark.root
@pytest.mark.parametrize(
    ("who", "hint"),
    [("no-such-account", "PG_RUN_AS"), ("root", "another account"), ("nobody", "another account")],
)
def test_unusable_account_is_reported(home: Path, who: str, hint: str) -> None:
    with pytest.raises(EmbeddedPostgresError, match=hint):
        EmbeddedPostgres(home / "data", run_as=who).start()


@pytest.mark.root
def test_account_comes_from_the_environment_then_from_the_data_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PG_RUN_AS", "daemon")
    with EmbeddedPostgres(home / "data") as postgres:
        assert postgres.start().endswith("&requirepeer=daemon")
    monkeypatch.delenv("PG_RUN_AS")
    with EmbeddedPostgres(home / "data") as postgres:
        assert postgres.start().endswith("&requirepeer=daemon")
    with pytest.raises(EmbeddedPostgresError, match="belongs to another account"):
        EmbeddedPostgres(home / "data", run_as="bin").start()


@pytest.mark.slow
@pytest.mark.root
def test_data_in_an_inaccessible_folder_is_kept_in_the_system_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "SYSTEM_FOLDER", home / "system")
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    with EmbeddedPostgres(closed / "data") as postgres:
        write(postgres.start(), 1)
    assert closed.stat().st_mode & 0o777 == 0o700
    assert cluster(closed / "data").resolve().is_relative_to(home / "system")
    with EmbeddedPostgres(closed / "data") as postgres:
        assert read(postgres.start()) == [1]


@pytest.mark.slow
@pytest.mark.root
def test_binaries_in_an_inaccessible_folder_are_copied_once(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "SYSTEM_FOLDER", home / "system")
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    package = packaged_bindir().parent.parent
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.with_name(name), closed / name, symlinks=True)
    bindir = closed / package.name / "pginstall" / "bin"
    copies = set()
    for number in (1, 2):
        with EmbeddedPostgres(home / "data", bindir=bindir) as postgres:
            write(postgres.start(), number)
        copies |= {(path, path.stat().st_ctime_ns) for path in (home / "system").iterdir()}
    assert len(copies) == 1
