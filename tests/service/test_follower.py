"""Workers follow the change log, and recover when connections are lost."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import httpx
import psycopg
import pytest
from unseen_service.embedded_postgres import EmbeddedPostgres
from unseen_service.models.changes import ChangeKind
from unseen_service.store import Store, changes, migrate
from unseen_service.usecases import keys

from tests.support.disks import scratch_folder
from tests.support.hashes import random_pdq
from tests.support.running_service import RunningService, serving
from tests.support.stored_hashes import insert_active
from tests.support.submissions import PIN, post_hashes
from tests.support.waiting import wait_until

index_module = import_module("unseen_service.live.index")


def test_new_worker_loads_every_active_hash(service: RunningService) -> None:
    kept, gone = random_pdq(1), random_pdq(2)
    post_hashes(service, kept)
    case = post_hashes(service, gone).json()["case"]
    httpx.delete(f"{service.url}/v1/cases/{case}", headers={"Unseen-Pin": PIN})
    with serving(service.database_url) as later, later.client("match") as platform:
        assert later.ready()["hashes"] == 1
        answer = platform.post("/v1/match", json={"hashes": [gone, kept]}).json()
        assert [hit["query"] for hit in answer["hits"]] == [1]


def test_workers_see_each_others_submissions_and_withdrawals(service: RunningService) -> None:
    with serving(service.database_url) as other:
        case = post_hashes(service, random_pdq(1)).json()["case"]
        wait_until(lambda: other.ready()["hashes"] == 1, within=2)
        httpx.delete(f"{other.url}/v1/cases/{case}", headers={"Unseen-Pin": PIN})
        wait_until(lambda: service.ready()["hashes"] == 0, within=2)


def test_hash_is_matched_throughout_a_change_of_standing(
    service: RunningService,
) -> None:
    """As when platforms dispute it; thousands change together, so that it takes a while."""

    async def changed(store: Store) -> None:
        async with store.transaction() as tx:
            await changes.lock(tx)
            await changes.append(tx, ChangeKind.STANDING, ids)

    insert_active(service.database_url, 5_000)
    pdq = random_pdq(1)
    with serving(service.database_url) as other, other.client("match") as platform:
        post_hashes(service, pdq)
        other.wait_in_step()
        with psycopg.connect(service.database_url) as connection:
            ids = [row[0] for row in connection.execute("SELECT id FROM hashes")]
        for _ in range(10):
            service.flow(changed)
            for _ in range(20):
                assert len(platform.post("/v1/match", json={"hashes": [pdq]}).json()["hits"]) == 1


def test_revoked_key_is_refused_within_a_second(service: RunningService) -> None:
    key = service.key("match")
    headers = {"Authorization": f"Bearer {key}"}
    listed = service.flow(keys.list_keys)
    service.flow(lambda store: keys.revoke_key(store, listed[-1].id))

    def refused() -> bool:
        body = {"hashes": [random_pdq(1)]}
        url = f"{service.url}/v1/match"
        return httpx.post(url, json=body, headers=headers).status_code == 401

    wait_until(refused, within=1)


def test_no_change_is_missed_when_connections_are_lost(service: RunningService) -> None:
    post_hashes(service, random_pdq(1))
    service.wait_in_step()
    with psycopg.connect(service.database_url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    wait_until(lambda: post_hashes(service, random_pdq(2)).status_code == 201)
    wait_until(lambda: service.ready()["hashes"] == 2)


@pytest.fixture
def own_postgres() -> Iterator[tuple[EmbeddedPostgres, str]]:
    """Start a PostgreSQL that the test may stop."""
    with scratch_folder() as folder, EmbeddedPostgres(folder) as server:
        url = server.start()
        migrate(url)
        yield server, url


def test_service_recovers_when_postgresql_restarts(
    own_postgres: tuple[EmbeddedPostgres, str],
) -> None:
    server, url = own_postgres
    with serving(url, stale_after_ms=500, pool_timeout_ms=300) as service:
        pdq = random_pdq(1)
        post_hashes(service, pdq)
        service.wait_in_step()
        with service.client("match") as platform:
            server.stop()
            miss = platform.post("/v1/match", json={"hashes": [random_pdq(2)]})
            assert (miss.status_code, miss.json()["hits"]) == (200, [])
            hit = platform.post("/v1/match", json={"hashes": [pdq]})
            assert hit.status_code == 503
            assert int(hit.headers["retry-after"]) <= 2
            refused = post_hashes(service, random_pdq(3))
            assert refused.status_code == 503
            assert refused.json()["type"] == "urn:unseen:problem:unavailable"
            wait_until(lambda: service.ready()["status"] == "not-ready")
            (reason,) = service.ready()["reasons"]
            assert reason["code"] == "stale"
            assert reason["seconds"] > 0.5
            assert datetime.fromisoformat(reason["since"]) < datetime.now(UTC)
            miss = platform.post("/v1/match", json={"hashes": [random_pdq(2)]})
            assert miss.status_code == 200, "misses are still answered"

            server.start()
            wait_until(lambda: service.ready()["status"] == "ready")
            assert len(platform.post("/v1/match", json={"hashes": [pdq]}).json()["hits"]) == 1
            assert post_hashes(service, random_pdq(3)).status_code == 201


def test_withdrawn_hash_is_answered_like_any_other_miss(
    own_postgres: tuple[EmbeddedPostgres, str],
) -> None:
    """Response times must not reveal withdrawn hashes.

    Only a hit needs the database. So while it is unavailable, a withdrawn hash is answered like
    one that was never stored: from memory, by the same steps.
    """
    server, url = own_postgres
    with serving(url, pool_timeout_ms=300) as service:
        withdrawn, kept = random_pdq(1), random_pdq(2)
        case = post_hashes(service, withdrawn).json()["case"]
        post_hashes(service, kept)
        httpx.delete(f"{service.url}/v1/cases/{case}", headers={"Unseen-Pin": PIN})
        service.wait_in_step()
        with service.client("match") as platform:
            server.stop()

            def look_up(pdq: str) -> httpx.Response:
                return platform.post("/v1/match", json={"hashes": [pdq]})

            assert look_up(kept).status_code == 503, "the control: a hit needs the database"
            assert look_up(withdrawn).status_code == 200
            assert look_up(withdrawn).content == look_up(random_pdq(3)).content


def test_service_starts_while_postgresql_is_unavailable(
    own_postgres: tuple[EmbeddedPostgres, str],
) -> None:
    server, url = own_postgres
    server.stop()
    with serving(url, until_ready=False) as service:
        wait_until(lambda: len(service.ready()["reasons"]) == 2)
        loading, cut_off = service.ready()["reasons"]
        assert loading == {
            "code": "loading",
            "detail": "The index is loading: 0 hashes so far.",
            "hashes": 0,
        }
        assert cut_off["code"] == "cut-off"
        assert service.ready()["status"] == "not-ready"
        body = {"hashes": [random_pdq(1)]}
        refused = httpx.post(
            f"{service.url}/v1/match", json=body, headers={"Authorization": "Bearer x"}
        )
        assert refused.status_code == 503, "the keys are not loaded yet"
        server.start()
        wait_until(lambda: service.ready()["status"] == "ready")


def test_briefly_disconnected_worker_stays_ready_and_reports_it(
    own_postgres: tuple[EmbeddedPostgres, str],
) -> None:
    server, url = own_postgres
    with serving(url, pool_timeout_ms=300) as service:
        assert service.ready()["reasons"] == []
        server.stop()
        wait_until(lambda: service.ready()["reasons"])
        readiness = service.ready()
        assert (readiness["status"], readiness["reasons"][0]["code"]) == ("ready", "cut-off")
        assert httpx.get(f"{service.url}/readyz").status_code == 200
        server.start()
        wait_until(lambda: service.ready()["reasons"] == [])


def test_lagging_worker_is_not_ready_and_reports_its_lag(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Applying changes takes longer than the index may be stale."""
    release = threading.Event()

    def slowly(*arguments: object) -> None:
        release.wait(timeout=60)

    with serving(service.database_url, stale_after_ms=200) as slow:
        monkeypatch.setattr(index_module, "_apply", slowly)
        post_hashes(service, random_pdq(1), random_pdq(2))
        wait_until(lambda: slow.ready()["status"] == "not-ready")
        (reason,) = slow.ready()["reasons"]
        assert (reason["code"], reason["entries"]) == ("behind", 2)
        assert reason["seconds"] >= 0.2
        monkeypatch.undo()
        release.set()
        wait_until(lambda: slow.ready()["status"] == "ready")


def test_loading_worker_reports_its_progress(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    post_hashes(service, *(random_pdq(n) for n in range(20)))
    with psycopg.connect(service.database_url, autocommit=True) as connection:
        connection.execute("ANALYZE hashes")
    release = threading.Event()
    build = index_module._build

    def slowly(*arguments: Any) -> Any:
        release.wait(timeout=60)
        return build(*arguments)

    monkeypatch.setattr(index_module, "_build", slowly)
    with serving(service.database_url, until_ready=False) as later:
        wait_until(lambda: later.ready()["reasons"][0].get("hashes") == 20)
        (reason,) = later.ready()["reasons"]
        assert (reason["code"], reason["of"]) == ("loading", 20)
        assert reason["detail"] == "The index is loading: 20 of about 20 hashes so far."
        release.set()
        wait_until(lambda: later.ready()["status"] == "ready")
