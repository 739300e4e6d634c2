"""/metrics sums over all workers; the logs contain nothing sensitive."""

import json
import logging
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import httpx
import psycopg
import pytest
import yaml
from unseen_service import metrics
from unseen_service.cli import maintenance
from unseen_service.jobs.measurements import MetricsCollector
from unseen_service.live.follower import Follower
from unseen_service.live.index import LiveIndex
from unseen_service.ratelimit.probing import AlertThrottle
from unseen_service.runtime.json_logs import JsonFormatter
from unseen_service.store import Store

from tests.support.cli import run
from tests.support.hashes import flipped, random_pdq
from tests.support.processes import serve_process, workers_of
from tests.support.running_service import RunningService, serving
from tests.support.submissions import PIN, submission, submit_and_index
from tests.support.waiting import wait_until


def scrape(service: RunningService) -> dict[str, float]:
    text = service.metrics()
    found = re.findall(r"^(unseen\S+) (\S+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in found}


def test_lookups_are_counted_by_result(service: RunningService) -> None:
    pdq = random_pdq(1)
    httpx.post(f"{service.url}/v1/cases", json=submission(pdq)).raise_for_status()
    service.wait_in_step()
    before = scrape(service)
    with service.client("match") as platform:
        pdqs = [pdq, flipped(pdq, 3), random_pdq(2), random_pdq(3), random_pdq(4)]
        platform.post("/v1/match", json={"hashes": pdqs})
    after = scrape(service)

    def increase(name: str) -> float:
        return after[name] - before[name]

    assert increase('unseen_lookups_total{result="hit"}') == 2
    assert increase('unseen_lookups_total{result="miss"}') == 3
    assert increase("unseen_lookup_seconds_count") == 1
    assert after["unseen_change_apply_seconds_count"] >= 1


def test_log_line_locates_an_exception_but_omits_its_message() -> None:
    try:
        raise ValueError("Key (pdq)=(abcdef) already exists")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "failed", None, sys.exc_info())
    line = json.loads(JsonFormatter().format(record))
    assert (line["message"], line["exception"], line["level"]) == ("failed", "ValueError", "error")
    assert "test_metrics.py" in line["frames"][0]
    assert "abcdef" not in json.dumps(line)


def query(service: RunningService, *statements: str) -> None:
    with psycopg.connect(service.database_url) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]


def test_database_metrics(database_url: str) -> None:
    with serving(database_url, measure_every_ms=50) as service:
        service.key("match")
        httpx.post(f"{service.url}/v1/cases", json=submission(random_pdq(1), random_pdq(2)))
        case = httpx.post(f"{service.url}/v1/cases", json=submission(random_pdq(3))).json()["case"]
        httpx.delete(f"{service.url}/v1/cases/{case}", headers={"Unseen-Pin": PIN})
        query(
            service,
            "INSERT INTO webhooks (platform_id, url, secret, events)"
            " SELECT id, 'https://x.example', '', '{hash.added}' FROM platforms",
            "INSERT INTO webhook_messages (webhook_id, event, body, created_at, due_at)"
            " SELECT id, 'hash.added', '{}', now() - interval '1 hour', now() + interval '1 hour'"
            " FROM webhooks, generate_series(1, 3)",
            "INSERT INTO webhook_messages (webhook_id, event, body, due_at)"
            " SELECT id, 'hash.added', '{}', NULL FROM webhooks",
            "INSERT INTO owed SELECT id, (SELECT max(id) FROM platforms), 'match',"
            " now() - n * interval '47 hours' FROM hashes, generate_series(1, 2) AS n"
            " WHERE active AND id % 2 = n % 2",
            "INSERT INTO key_limits (line, paused_at) SELECT id, now() FROM keys",
        )
        expected = {
            "unseen_change_log_position": 4,
            "unseen_webhooks_waiting": 3,
            "unseen_webhooks_failed": 1,
            "unseen_overdue": 1,
            "unseen_reviews_open": 0,
            "unseen_keys_paused": 1,
            "unseen_hashes_to_erase": 1,
        }
        wait_until(lambda: expected.items() <= scrape(service).items())
        after = scrape(service)
        assert 3600 <= after["unseen_webhooks_oldest_seconds"] < 3700
        assert after["unseen_audit_log_entries"] >= 4
        assert after["unseen_database_bytes"] > 1_000_000
        assert after["unseen_index_bytes"] > 0
        assert after["unseen_pool_waiting"] == 0


def test_one_worker_collects_database_metrics_for_all(database_url: str) -> None:
    """Until the next collection is due, a collector reads the last measurements."""
    measurement = "SELECT xmin::text, at::text FROM vitals"

    async def collect_often(store: Store) -> None:
        collector = MetricsCollector(
            store,
            Follower(store, LiveIndex(), []),
            LiveIndex(),
            seconds=60,
            overdue=timedelta(hours=1),
        )
        for _ in range(20):
            await collector._measure_database()

    service = RunningService("", database_url)
    service.flow(collect_often)
    with psycopg.connect(database_url) as connection:
        first = connection.execute(measurement).fetchone()
    service.flow(collect_often)
    with psycopg.connect(database_url) as connection:
        assert connection.execute(measurement).fetchone() == first


def test_probing_is_counted(database_url: str) -> None:
    with serving(database_url, probing_alert=3) as service:
        name = 'unseen_key_notices_total{kind="key.probing"}'
        before = scrape(service)[name]
        submit_and_index(service, random_pdq(1))
        with service.client("match") as platform:
            near = [flipped(random_pdq(1), 1, seed) for seed in range(8)]
            platform.post("/v1/match", json={"hashes": near})
        wait_until(lambda: scrape(service)[name] == before + 1)


def test_counters_are_exported_before_their_first_event(service: RunningService) -> None:
    """Prometheus sees no increase in a series that starts at 1, so it would miss the first."""
    shown = scrape(service)
    kinds = {f'unseen_key_notices_total{{kind="{kind}"}}' for kind in AlertThrottle.KINDS}
    assert kinds <= shown.keys()
    assert {f'unseen_erased_total{{what="{what}"}}' for what in maintenance._ERASED} <= shown.keys()


def test_lag_of_a_worker_that_never_caught_up_counts_from_its_start() -> None:
    """Otherwise one that started while PostgreSQL was unavailable would report no lag."""
    store = Store("postgresql://127.0.0.1:1/x", pool_size=1, timeout=1)
    follower = Follower(store, LiveIndex(), [])
    follower._started_at -= 61
    follower.measure()
    sample = metrics.INDEX_LAG_SECONDS.collect()[0].samples[0]
    assert sample.value > 60


@pytest.mark.slow
def test_scrape_sums_all_workers_and_keeps_counts_of_dead_ones(data_directory: Path) -> None:
    with serve_process(data_directory, workers=3) as service:
        key = run("keys", "issue", "Example", "--scope", "match", "--data", str(data_directory))
        headers = {"Authorization": f"Bearer {key.stdout.strip()}"}

        def look_up() -> bool:
            body = {"hashes": [random_pdq(5)]}
            answer = httpx.post(f"{service.url}/v1/match", json=body, headers=headers)
            return answer.status_code == 200

        wait_until(lambda: all(look_up() for _ in range(20)))
        begin = scrape(service)['unseen_lookups_total{result="miss"}']
        for _ in range(60):
            assert look_up()
        assert scrape(service)['unseen_lookups_total{result="miss"}'] == begin + 60
        workers_of(service.process)[0].kill()
        wait_until(lambda: len(workers_of(service.process)) == 3 and service.is_ready())
        again = scrape(service)
        assert again['unseen_lookups_total{result="miss"}'] == begin + 60, "of the dead worker too"
        assert again["unseen_change_log_position"] == 0
        assert again["unseen_index_hashes"] == 0


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("promtool"), reason="needs Prometheus's promtool")
def test_promtool_accepts_the_rules_and_the_metrics(
    service: RunningService,
) -> None:
    rules = ["promtool", "check", "rules", str(_ROOT / "docs/alerts.yml")]
    subprocess.run(rules, check=True)
    text = service.metrics()
    ours = [line for line in text.splitlines() if re.match("(# (HELP|TYPE) )?unseen_", line)]
    assert len(ours) > 100
    subprocess.run(
        ["promtool", "check", "metrics"], input="\n".join(ours) + "\n", text=True, check=True
    )


_ROOT = Path(__file__).parents[2]
_NAME = re.compile(r"\bunseen_[a-z_]+[a-z]\b")


def metrics_named_in(text: str) -> set[str]:
    """Return the metrics that a text names, histograms without the suffix of the series."""
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in _NAME.findall(text)}


def test_dashboard_alerts_and_docs_name_existing_metrics(
    service: RunningService,
) -> None:
    exported = set(re.findall(r"^# HELP (\S+)", service.metrics(), re.MULTILINE))
    exported = {name for name in exported if not name.endswith("_created")}
    rules = yaml.safe_load((_ROOT / "docs/alerts.yml").read_text())["groups"][0]["rules"]
    assert len(rules) > 5
    assert metrics_named_in(" ".join(rule["expr"] for rule in rules)) <= exported
    dashboard = json.loads((_ROOT / "docs/grafana.json").read_text())
    named = [each["expr"] for panel in dashboard["panels"] for each in panel["targets"]]
    assert len(named) > 20
    operate = (_ROOT / "docs/operate.md").read_text().partition("### Metrics")[2]
    documented = metrics_named_in(operate.partition("## What is kept where")[0])
    assert metrics_named_in(" ".join(named)) <= exported
    assert documented <= exported
    assert {each for each in exported if each.startswith("unseen_")} <= documented
