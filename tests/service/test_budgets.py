"""Budgets per key family."""

from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unseen_service.ratelimit.leaky_bucket import LeakyBucket
from unseen_service.usecases import key_limits

from tests.support.hashes import Hashes, random_hashes
from tests.support.problems import problem_slug
from tests.support.running_service import RunningService, serving
from tests.support.waiting import wait_until


def ask(platform: httpx.Client, queries: Hashes, **parameters: Any) -> httpx.Response:
    return platform.post(
        "/v1/match",
        content=queries.tobytes(),
        params=parameters,
        headers={"Content-Type": "application/octet-stream"},
    )


def kinds(service: RunningService) -> list[str]:
    with service.client("audit", platform="Staff") as staff:
        return [each["kind"] for each in staff.get("/v1/alerts").json()["alerts"]]


@pytest.fixture
def tight(database_url: str) -> Iterator[RunningService]:
    with serving(database_url, requests_per_minute=6, hashes_per_minute=600) as running:
        yield running


def test_response_reports_the_remaining_budget(tight: RunningService) -> None:
    with tight.client("match") as platform:
        answer = ask(platform, random_hashes(100))
    assert answer.headers["ratelimit-policy"] == '"requests";q=6;w=60, "hashes";q=600;w=60'
    requests, remaining = answer.headers["ratelimit"].split(", ")
    assert requests.startswith('"requests";r=')
    assert remaining == '"hashes";r=500;t=10'


def test_hashes_beyond_the_budget_are_refused(tight: RunningService) -> None:
    with tight.client("match") as platform:
        assert ask(platform, random_hashes(650)).status_code == 200, (
            "allowed while any budget is left"
        )
        refused = ask(platform, random_hashes(1, seed=1))
    assert (refused.status_code, problem_slug(refused)) == (429, "budget-spent")
    assert 4 <= int(refused.headers["retry-after"]) <= 5
    assert "hashes" in refused.json()["detail"]


def test_requests_beyond_the_budget_are_refused(tight: RunningService) -> None:
    with tight.client("match") as platform:
        answers = [ask(platform, random_hashes(1, seed=n)) for n in range(8)]
    assert problem_slug(answers[-1]) == "budget-spent"
    assert int(answers[-1].headers["retry-after"]) <= 10


def test_workers_share_a_budget(tight: RunningService) -> None:
    with (
        serving(tight.database_url, requests_per_minute=0, hashes_per_minute=600) as other,
        tight.client("match") as platform,
    ):
        key = {"Authorization": platform.headers["Authorization"]}
        assert ask(platform, random_hashes(650)).status_code == 200
        with httpx.Client(base_url=other.url, headers=key) as elsewhere:
            wait_until(lambda: ask(elsewhere, random_hashes(1)).status_code == 429)


def test_key_limits_apply_at_once(tight: RunningService) -> None:
    with tight.client("match") as platform:
        assert ask(platform, random_hashes(650)).status_code == 200
        assert ask(platform, random_hashes(1)).status_code == 429
        tight.flow(lambda store: key_limits.limit_key(store, 1, requests=0, hashes=0))
        wait_until(lambda: ask(platform, random_hashes(1)).status_code == 200, within=2)
        assert "ratelimit" not in ask(platform, random_hashes(2_000)).headers


def test_settling_budgets_recovers_from_errors(
    tight: RunningService, caplog: pytest.LogCaptureFixture
) -> None:
    """The task that settles must live as long as the worker: nothing else would report its end."""
    with (
        psycopg.connect(tight.database_url, autocommit=True) as database,
        tight.client("match") as platform,
    ):
        database.execute("ALTER TABLE key_usage RENAME TO elsewhere")
        assert ask(platform, random_hashes(1)).status_code == 200
        wait_until(lambda: "settling budgets failed" in caplog.text)
        database.execute("ALTER TABLE elsewhere RENAME TO key_usage")
        wait_until(lambda: database.execute("SELECT FROM key_usage").fetchone() is not None)


def test_staff_pause_a_key_on_every_worker(tight: RunningService) -> None:
    with serving(tight.database_url) as other, tight.client("match") as platform:
        key = {"Authorization": platform.headers["Authorization"]}
        with httpx.Client(base_url=other.url, headers=key) as elsewhere:
            wait_until(lambda: ask(elsewhere, random_hashes(1)).status_code == 200)
            tight.flow(lambda store: key_limits.pause_key(store, 1, "a leak"))
            for worker in platform, elsewhere:
                wait_until(lambda worker=worker: is_paused(worker), within=2)  # type: ignore[misc]
            tight.flow(lambda store: key_limits.resume_key(store, 1, "it was a test"))
            wait_until(lambda: ask(elsewhere, random_hashes(1)).status_code == 200, within=2)


def is_paused(worker: httpx.Client) -> bool:
    refused = ask(worker, random_hashes(1))
    return refused.status_code == 403 and problem_slug(refused) == "key-paused"


@given(
    spends=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 50), st.floats(0, 5)), max_size=200)
)
def test_workers_together_stay_within_the_budget(
    spends: list[tuple[int, int, float]],
) -> None:
    """Four workers that settle every second never admit more than is documented."""
    workers = [LeakyBucket(60, 0.0) for _ in range(4)]
    common, now, settled, admitted = 0.0, 0.0, 0.0, 0
    for worker, amount, pause in spends:
        now += pause
        while settled + 1 <= now:
            settled += 1
            common = max(0.0, common - 1.0) + sum(each.take_unsent() for each in workers)
            for each in workers:
                each.set_total(common, settled)
        admitted += amount if workers[worker].spend(amount, now) else 0
        assert admitted <= now + 4 * (60 + 50)
