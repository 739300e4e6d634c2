"""What the operator sees when something is wrong, and what nobody else may see."""

import re
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.support.hashes import random_pdq
from tests.support.problems import problem_slug
from tests.support.processes import serve_process, workers_of
from tests.support.running_service import RunningService, serving
from tests.support.submissions import post_hashes, submit
from tests.support.waiting import wait_until


def test_readiness_and_metrics_do_not_reveal_that_a_hash_was_stored(
    service: RunningService,
) -> None:
    """An exact count that does not grow tells anyone that what they submitted was there."""
    answers = []
    for _ in range(2):
        submit(service, random_pdq(1))
        service.wait_in_step()
        answers.append(httpx.get(f"{service.url}/readyz").json())
    assert answers == [{"status": "ready", "reasons": []}] * 2
    assert httpx.get(f"{service.url}/metrics").status_code == 404
    wait_until(lambda: "unseen_index_hashes 1.0" in service.metrics())
    assert service.ready()["hashes"] == 1


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "X-Forwarded-Port", "Forwarded"])
def test_headers_do_not_open_the_operators_address(service: RunningService, header: str) -> None:
    operator = httpx.URL(service.operator_url)
    value = str(operator.port) if header.endswith("Port") else f"{operator.host}:{operator.port}"
    assert httpx.get(f"{service.url}/metrics", headers={header: value}).status_code == 404


def test_loading_reveals_no_count(database_url: str) -> None:
    with serving(database_url) as service:
        submit(service, random_pdq(1))
    with serving(database_url, until_ready=False) as starting:
        seen = [httpx.get(f"{starting.url}/readyz").json() for _ in range(20)]
    for answer in seen:
        for reason in answer["reasons"]:
            assert set(reason) == {"code", "detail"}
            assert not re.search(r"\d", reason["detail"])


def test_write_outage_is_visible(database_url: str, log_messages: list[str]) -> None:
    """Reads go on: until now all writes failed, and no line, metric or code said so."""
    with (
        serving(database_url, measure_every_ms=200) as service,
        psycopg.connect(database_url) as connection,
    ):
        connection.execute("SELECT pg_advisory_xact_lock(129116974640743)")
        refused = post_hashes(service, random_pdq(1))
        assert (refused.status_code, problem_slug(refused)) == (503, "busy")
        assert "database is unavailable" not in refused.text
        wait_until(lambda: service.ready()["reasons"])
        (reason,) = service.ready()["reasons"]
        assert reason["code"] == "cannot-write"
        assert "another session holds a lock" in reason["detail"]
        (shown,) = httpx.get(f"{service.url}/readyz").json()["reasons"]
        assert shown["code"] == "cannot-write"
        assert service.ready()["status"] == "ready", "misses are answered"
        assert "unseen_writes_failing 1.0" in service.metrics()
        counted = r'^unseen_store_failures_total\{sqlstate="55P03"\} [1-9]'
        assert re.search(counted, service.metrics(), re.MULTILINE)
        told = [line for line in log_messages if "cannot write" in line]
        assert len(told) == 1, "one line, not one per request"


def test_write_outage_ends(database_url: str, log_messages: list[str]) -> None:
    with serving(database_url, measure_every_ms=200) as service:
        with psycopg.connect(database_url) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(129116974640743)")
            wait_until(lambda: service.ready()["reasons"])
        submit(service, random_pdq(1))
        wait_until(lambda: not service.ready()["reasons"], within=90)
        assert any("writes again" in line for line in log_messages)


def test_newer_schema_is_visible(database_url: str, log_messages: list[str]) -> None:
    """A worker that served before goes on; one that starts on a newer schema is not ready."""
    with serving(database_url, measure_every_ms=200) as service:
        with psycopg.connect(database_url) as connection:
            connection.execute(
                "INSERT INTO migrations (number, name, digest) VALUES (9999, 'later', '')"
            )
        wait_until(lambda: service.ready()["reasons"])
        assert [each["code"] for each in service.ready()["reasons"]] == ["newer-schema"]
        assert service.ready()["status"] == "ready"
        with serving(database_url, until_ready=False) as started:
            wait_until(lambda: "newer-schema" in str(started.ready()["reasons"]))
            assert httpx.get(f"{started.url}/readyz").status_code == 503
    assert sum("a newer version of the service" in line for line in log_messages) == 2


def test_replaced_worker_is_logged_and_counted(database_url: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serve_process(tmp_path / "data", database_url=database_url, workers=2, log=log) as service:
        killed, _ = workers_of(service.process)
        killed.kill()
        wait_until(lambda: killed not in workers_of(service.process))
        wait_until(service.is_ready_on_all_workers)
        name = 'unseen_workers_replaced_total{reason="died"} 1.0'
        wait_until(lambda: name in service.metrics())
    assert f"worker {killed.pid} was ended by signal 9; replaced by" in log.read_text()


def test_slow_start_is_no_hang(database_url: str, tmp_path: Path) -> None:
    """A worker that took 5 s to import was killed, again and again, without a word."""
    slow = tmp_path / "sitecustomize.py"
    slow.write_text("import time\ntime.sleep(7)\n")
    log = tmp_path / "log"
    with serve_process(
        tmp_path / "data", database_url=database_url, log=log, PYTHONPATH=str(tmp_path)
    ) as service:
        assert service.is_ready()
    assert "replaced" not in log.read_text()
