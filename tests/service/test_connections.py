"""Whether PostgreSQL has room for the connections of all workers."""

from pathlib import Path

import psycopg
import pytest
from unseen_service.cli import serve
from unseen_service.cli.database import open_database
from unseen_service.settings import Settings
from unseen_service.store import allowed_connections

from tests.support.disks import scratch_folder


def test_a_worker_takes_its_pool_and_what_listens() -> None:
    assert Settings(database_url="postgresql:///", pool_size=8).connections == 12


def test_serve_says_where_there_is_no_room_for_all_workers(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    allowed = allowed_connections(database_url)
    serve._warn_if_too_few_connections(database_url, allowed)
    assert capsys.readouterr().err == ""
    serve._warn_if_too_few_connections(database_url, allowed + 1)
    assert f"allows {allowed} connections" in capsys.readouterr().err


def test_what_is_reserved_is_not_for_workers(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        (most,) = connection.execute("SHOW max_connections").fetchone() or ("0",)
    assert 0 < allowed_connections(database_url) < int(most)


@pytest.mark.parametrize(("wanted", "least"), [(0, 100), (24, 100), (200, 200)])
def test_an_embedded_postgresql_has_room_for_all_workers(
    monkeypatch: pytest.MonkeyPatch, wanted: int, least: int
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with scratch_folder() as folder, open_database(Path(folder), wanted) as (url, _):
        with psycopg.connect(url) as connection:
            (most,) = connection.execute("SHOW max_connections").fetchone() or ("0",)
        assert int(most) >= least
        assert allowed_connections(url) >= wanted
