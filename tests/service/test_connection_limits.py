"""PostgreSQL must allow enough connections for all workers."""

from pathlib import Path

import psycopg
import pytest
from unseen_service.cli import serve
from unseen_service.cli.database import open_database
from unseen_service.settings import Settings
from unseen_service.store import allowed_connections

from tests.support.disks import scratch_folder


def test_worker_needs_its_pool_and_four_more_connections() -> None:
    assert Settings(database_url="postgresql:///", pool_size=8).connections == 12


def test_serve_warns_about_too_few_connections(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    allowed = allowed_connections(database_url)
    serve._warn_if_too_few_connections(database_url, allowed)
    assert capsys.readouterr().err == ""
    serve._warn_if_too_few_connections(database_url, allowed + 1)
    assert f"allows {allowed} connections" in capsys.readouterr().err


def test_reserved_connections_are_not_counted(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        (limit,) = connection.execute("SHOW max_connections").fetchone() or ("0",)
    assert 0 < allowed_connections(database_url) < int(limit)


@pytest.mark.parametrize(("wanted", "least"), [(0, 100), (24, 100), (200, 200)])
def test_embedded_postgresql_allows_enough_connections(
    monkeypatch: pytest.MonkeyPatch, wanted: int, least: int
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with scratch_folder() as folder, open_database(Path(folder), wanted) as (url, _):
        with psycopg.connect(url) as connection:
            (limit,) = connection.execute("SHOW max_connections").fetchone() or ("0",)
        assert int(limit) >= least
        assert allowed_connections(url) >= wanted
