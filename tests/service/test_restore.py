"""After a restore, everyone notices that the changes since the backup are gone."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg import sql
from unseen import Client, StartAgainError
from unseen_service.embedded_postgres import EmbeddedPostgres
from unseen_service.store import migrate
from unseen_service.usecases import audit_log

from tests.support.cli import run
from tests.support.databases import with_database
from tests.support.disks import scratch_folder
from tests.support.hashes import random_pdq
from tests.support.mirrors import Mirror
from tests.support.postgres_tools import tool
from tests.support.running_service import RunningService, serving
from tests.support.submissions import submit, withdraw
from tests.support.waiting import wait_until

BEFORE, LOST, AFTER = (random_pdq(n) for n in range(3))


def log_name(url: str) -> object:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT log FROM change_head").fetchone()


def look_up(service: RunningService) -> list[str]:
    service.wait_in_step()
    pdqs = [BEFORE, LOST, AFTER]
    with service.client("match") as client:
        hits = client.post("/v1/match", json={"hashes": pdqs}).json()["hits"]
    return [pdqs[hit["query"]] for hit in hits]


def kinds(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT kind FROM audit_log ORDER BY position").fetchall()
    return [kind for (kind,) in rows]


class Story:
    """A service whose database is backed up, changed, and restored from the backup."""

    def __init__(self, url: str, index: Path) -> None:
        self.url = url
        self.settings = {"index_dir": index, "save_after_changes": 1}
        self.cursor: str | None = None
        self.key = ""
        self.case: dict[str, object] = {}

    def until_the_backup(self) -> None:
        with serving(self.url, **self.settings) as service:
            self.case = submit(service, BEFORE)
            self.key = service.key("feed")

    def after_the_backup(self) -> None:
        """Make changes, let a mirror read them, and save an index that has them."""
        with serving(self.url, **self.settings) as service:
            self._hand_over(service)
            submit(service, LOST, random_pdq(9))
            withdraw(service, self.case)
            with self.mirror(service) as mirror:
                self.cursor = mirror.catch_up().cursor
            saved = self.settings["index_dir"]
            assert isinstance(saved, Path)
            wait_until((saved / f"position-{4:020}").exists)

    @contextmanager
    def mirror(self, service: RunningService) -> Iterator[Mirror]:
        headers = {"Authorization": f"Bearer {self.key}"}
        with httpx.Client(base_url=service.url, headers=headers) as client:
            yield Mirror(client)

    def _hand_over(self, service: RunningService) -> None:
        with self.mirror(service) as mirror:
            mirror.catch_up()

    def after_the_restore(self, url: str) -> None:
        """Check what a mirror, a platform and an auditor see after the restore."""
        with serving(url, **self.settings) as service:
            assert look_up(service) == [BEFORE], "the index saved after the backup is not used"
            # As many changes as were lost, so that positions alone would look right.
            submit(service, AFTER, *(random_pdq(n) for n in range(10, 15)))
            assert look_up(service) == [BEFORE, AFTER]
            with Client(service.url, key=self.key) as client, pytest.raises(StartAgainError):
                client.feed_page(self.cursor)
            with self.mirror(service) as mirror:
                kept = mirror.catch_up().kept.values()
                assert {BEFORE, AFTER} <= set(kept)
                assert LOST not in kept
                assert mirror.page()["entries"] == []
            service.flow(audit_log.verify_audit)


@pytest.fixture
def story(database_url: str, tmp_path: Path) -> Story:
    return Story(database_url, tmp_path / "index")


@pytest.fixture
def elsewhere(postgres: str) -> Iterator[str]:
    """The URL of an empty database on the same server."""
    with psycopg.connect(with_database(postgres, "postgres"), autocommit=True) as admin:
        admin.execute("CREATE DATABASE elsewhere TEMPLATE template0")
        yield with_database(postgres, "elsewhere")
        admin.execute("DROP DATABASE elsewhere WITH (FORCE)")


def dump(url: str, folder: Path) -> Path:
    file = folder / "backup.dump"
    tool("pg_dump", "-Fc", "-f", str(file), url)
    return file


def restore(file: Path, url: str) -> None:
    """Restore a dump as docs/operate.md says."""
    tool("pg_restore", "--no-owner", "--no-privileges", "-d", url, str(file))
    migrate(url)


def test_dump_restored_to_another_database_is_detected(
    story: Story, elsewhere: str, tmp_path: Path
) -> None:
    story.until_the_backup()
    file = dump(story.url, tmp_path)
    story.after_the_backup()
    restore(file, elsewhere)
    name = log_name(elsewhere)
    assert name == log_name(story.url)
    story.after_the_restore(elsewhere)
    assert log_name(elsewhere) != name
    assert kinds(elsewhere).count("log.renamed") == 1
    with serving(elsewhere):
        assert kinds(elsewhere).count("log.renamed") == 1, "only the first start renames it"


@pytest.mark.slow
def test_dump_restored_in_place_is_detected(story: Story, tmp_path: Path) -> None:
    story.until_the_backup()
    file = dump(story.url, tmp_path)
    story.after_the_backup()
    recreate(story.url)
    restore(file, story.url)
    story.after_the_restore(story.url)
    assert "log.renamed" in kinds(story.url)


def recreate(url: str) -> None:
    """Drop a database and create an empty one of the same name, as before a restore."""
    with psycopg.connect(url) as connection:
        name = sql.Identifier(connection.info.dbname)
    with psycopg.connect(with_database(url, "postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(name))


def test_worker_running_during_a_restore_rebuilds_its_index(story: Story, tmp_path: Path) -> None:
    story.until_the_backup()
    file = dump(story.url, tmp_path)
    with serving(story.url, pool_timeout_ms=500) as service:
        submit(service, LOST)
        assert look_up(service) == [BEFORE, LOST]
        recreate(story.url)
        restore(file, story.url)
        # Another hash gets the ID that the lost hash had.
        with serving(story.url) as other:
            submit(other, AFTER)
        service._keys.clear()  # keys issued since the backup are lost as well
        wait_until(lambda: service.ready()["hashes"] == 2)
        wait_until(lambda: look_up(service) == [BEFORE, AFTER])


@pytest.fixture
def own_postgres() -> Iterator[tuple[EmbeddedPostgres, Callable[[], None], Callable[[], None]]]:
    """Start a server whose data files can be copied and restored as a whole."""
    with scratch_folder() as folder:
        data, copy = folder / "data", folder / "copy"

        def back_up() -> None:
            (cluster,) = data.glob("postgres-??")
            shutil.copytree(cluster, copy, symlinks=True)

        def set_back() -> None:
            (cluster,) = data.glob("postgres-??")
            owner = cluster.stat()
            shutil.rmtree(cluster)
            shutil.copytree(copy, cluster, symlinks=True)
            if os.geteuid() == 0:
                for path in (cluster, *cluster.rglob("*")):
                    os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)

        with EmbeddedPostgres(data) as server:
            yield server, back_up, set_back


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no embedded PostgreSQL")
def test_cursors_detect_restored_data_files(
    own_postgres: tuple[EmbeddedPostgres, Callable[[], None], Callable[[], None]], tmp_path: Path
) -> None:
    server, back_up, set_back = own_postgres
    url = server.start()
    migrate(url)
    story = Story(url, tmp_path / "index")
    story.until_the_backup()
    server.stop()
    back_up()
    story.url = server.start()
    story.after_the_backup()
    server.stop()
    set_back()
    story.url = server.start()
    story.after_the_restore(story.url)
    assert "log.renamed" not in kinds(story.url), "only cursors can reveal this"


def test_operator_can_declare_a_restore(service: RunningService) -> None:
    submit(service, BEFORE)
    with service.client("feed") as client:
        mirror = Mirror(client).catch_up()
        result = run("restored", "--by", "alice", DATABASE_URL=service.database_url)
        assert (result.returncode, result.stdout.splitlines()[0]) == (
            0,
            "the change log has a new ID: everyone who reads the feed is told to start again",
        )
        answer = client.get("/v1/hashes", params={"cursor": mirror.cursor})
        assert answer.status_code == 410
        assert list(Mirror(client).catch_up().kept.values()) == [BEFORE]
    assert "log.renamed" in kinds(service.database_url)
