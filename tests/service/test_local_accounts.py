"""Other accounts of the machine: what the service leaves on the disk is closed to them."""

import fcntl
import os
import re
import stat
import time
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from unseen_index import HashTable
from unseen_service.live import saved_indexes
from unseen_service.live.saved_indexes import SavedIndexes

from tests.support.accounts import STRANGER, run_as, wider_than_private
from tests.support.cli import run
from tests.support.databases import fresh_database
from tests.support.hashes import random_pdq
from tests.support.ports import free_port
from tests.support.processes import is_postmaster, serve_process, workers_of
from tests.support.running_service import serving
from tests.support.selection import is_root
from tests.support.submissions import post_hashes
from tests.support.waiting import wait_until

WITHOUT_UMASK = ["sh", "-c", 'umask 000; exec "$@"', "--"]

POSTGRES_READS = {"postgres-18.hba 640", "postgres-18.ident 640"} if is_root() else set()
"""Two files of root's tell PostgreSQL's own account who may log in: it may read them."""


def test_everything_in_the_data_directory_is_private_whatever_the_umask(
    data_directory: Path,
) -> None:
    with serve_process(
        data_directory, prefix=WITHOUT_UMASK, UNSEEN_SAVE_AFTER_CHANGES="1"
    ) as service:
        for number in range(3):
            assert post_hashes(service, random_pdq(number)).status_code == 201
        wait_until(lambda: len(list(data_directory.glob("index/position-*"))) > 1)
        assert run("audit", "checkpoint", "--data", str(data_directory)).returncode == 0
        expected = {"audit.key", "audit.checkpoint", "index", "postgres-18", "postgres-18.log"}
        assert expected <= {each.name for each in data_directory.iterdir()}
        assert set(wider_than_private(data_directory)) <= POSTGRES_READS
        assert data_directory.stat().st_mode & 0o777 == (0o710 if is_root() else 0o700)
        for process in (service.process.pid, *(each.pid for each in workers_of(service.process))):
            limits = Path(f"/proc/{process}/limits").read_text()
            assert re.search(r"Max core file size +0 +0 ", limits)


@pytest.mark.root
def test_stranger_reads_no_file_and_delays_no_start(data_directory: Path) -> None:
    """Not even in a folder that the operator left open, because other things are in it."""
    data_directory.mkdir()
    data_directory.chmod(0o755)
    (data_directory / "notes.txt").touch(mode=0o600)
    with serve_process(data_directory, UNSEEN_SAVE_AFTER_CHANGES="1") as service:
        assert post_hashes(service, random_pdq(1)).status_code == 201
        files = [each for each in data_directory.rglob("*") if not each.is_dir()]
        assert len(files) > 100
        shared = [each for each in Path("/dev/shm").glob("unseen-0-*") if each.is_dir()]  # noqa: S108
        files += [each for folder in shared for each in folder.iterdir()]
        # One process tries them all, as whoever is looking for a file would.
        trying = 'for file; do cat "$file" > /dev/null 2>&1 && echo "$file"; done'
        readable = run_as(STRANGER, "sh", "-c", trying, "sh", *files).stdout
        assert readable == ""
        held = f"for file; do flock -n $file echo $file; done 2> {os.devnull}"
        locks = [*data_directory.glob("*.lock"), data_directory / "index" / "lock"]
        assert len(locks) == 2
        assert run_as(STRANGER, "sh", "-c", held, "sh", *locks).stdout == ""


def left_by_version_0_1(data: Path) -> None:
    """Set the modes that version 0.1 left under the usual umask of 022."""
    for each in [data, data / "index", *(data / "index").rglob("*")]:
        each.chmod(0o755 if each.is_dir() else 0o644)
    for each in data.glob("postgres-18.*"):
        each.chmod(0o644)
    (data / "audit.checkpoint").touch(mode=0o644)


def test_folders_that_others_could_read_are_closed_when_the_service_starts(
    data_directory: Path, tmp_path: Path
) -> None:
    with serve_process(data_directory):
        pass
    left_by_version_0_1(data_directory)
    log = tmp_path / "log"
    with serve_process(data_directory, log=log):
        closed = [data_directory, data_directory / "index", *data_directory.glob("postgres-18.l*")]
        assert len(closed) == 4
        for each in closed:
            assert stat.S_IMODE(each.stat().st_mode) & 0o007 == 0, each
    assert f"other accounts could list {data_directory}" in log.read_text()
    assert f"other accounts could read {data_directory / 'index'}" in log.read_text()


@pytest.mark.parametrize("exposed", ["", "index"])
def test_folder_that_others_could_change_is_refused(
    database_url: str, tmp_path: Path, exposed: str
) -> None:
    """They may have put an index of their own there, or links."""
    folder = tmp_path / "data" / exposed
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    refused = run("serve", "--data", str(tmp_path / "data"), DATABASE_URL=database_url)
    assert refused.returncode == 1
    assert f"chmod o-w {folder}" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_audit_key_that_others_can_read_is_refused(database_url: str, tmp_path: Path) -> None:
    settings = {"DATABASE_URL": database_url, "UNSEEN_DATA": str(tmp_path)}
    assert run("audit", "key", **settings).returncode == 0
    (tmp_path / "audit.key").chmod(0o644)
    for command in (["audit", "checkpoint"], ["serve", "--port", str(free_port())]):
        refused = run(*command, **settings)
        assert refused.returncode == 1
        assert f"chmod 600 {tmp_path / 'audit.key'}" in refused.stderr
    (tmp_path / "audit.key").chmod(0o600)
    assert run("audit", "checkpoint", **settings).returncode == 0


def test_index_that_others_could_replace_is_not_opened(database_url: str, tmp_path: Path) -> None:
    """By a worker that an older supervisor starts: `serve` itself refuses to."""
    index, pdq = tmp_path / "index", random_pdq(1)
    with serving(database_url, index_dir=index, save_after_changes=1) as service:
        assert post_hashes(service, pdq).status_code == 201
        wait_until((index / f"position-{1:020}").exists)
    HashTable().save(index / f"position-{1:020}" / "table")  # nothing matches any more
    index.chmod(0o777)
    with serving(database_url, index_dir=index) as service:
        assert service.ready()["hashes"] == 1


def test_lock_that_nobody_uses_does_not_delay_the_start_for_ever(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_messages: list[str]
) -> None:
    """A holder that is frozen, or no worker at all, does not touch the lock."""
    monkeypatch.setattr(saved_indexes, "_SILENCE_S", 0.5)
    with (tmp_path / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with serving(database_url, index_dir=tmp_path) as service:
            assert post_hashes(service, random_pdq(1)).status_code == 201
            wait_until(lambda: service.ready()["hashes"] == 1)
    assert any("shows no life" in each for each in log_messages)


def test_lock_of_a_worker_that_builds_the_index_is_waited_for(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_indexes, "_SILENCE_S", 0.5)
    monkeypatch.setattr(saved_indexes, "_TOUCH_EVERY_S", 0.05)
    with fresh_database(postgres) as url, ExitStack() as building:
        is_exclusive = building.enter_context(SavedIndexes(tmp_path).exclusive(wait=False))
        assert is_exclusive
        with serving(url, index_dir=tmp_path, until_ready=False) as service:
            time.sleep(1.5)  # three times as long as it would wait for a holder without life
            assert service.ready()["status"] == "not-ready"
            building.close()
            wait_until(service.is_ready)
            assert (tmp_path / f"position-{0:020}").exists(), "it was saved: the lock was free"


def test_supervisor_replaces_workers_while_another_process_holds_the_lock_of_postgresql(
    data_directory: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with (
        serve_process(data_directory, workers=2, log=log) as service,
        (data_directory / "postgres-18.lock").open() as lock,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        (postmaster,) = filter(is_postmaster, psutil.Process(service.process.pid).children())
        postmaster.kill()
        wait_until(lambda: "another process holds" in log.read_text())
        killed = workers_of(service.process)[0]
        killed.kill()
        wait_until(lambda: killed not in workers_of(service.process))
        wait_until(lambda: len(workers_of(service.process)) == 2)
        assert not any(map(is_postmaster, psutil.Process(service.process.pid).children()))
        fcntl.flock(lock, fcntl.LOCK_UN)
        wait_until(service.is_ready_on_all_workers)
        wait_until(lambda: "the embedded PostgreSQL runs again" in log.read_text())
    assert log.read_text().count("another process holds") == 1, "once, not at every try"
