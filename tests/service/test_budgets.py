"""Budgets per key family, and the detection of probing."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unseen_service.ratelimit.leaky_bucket import LeakyBucket
from unseen_service.ratelimit.probing import AlertThrottle, HitRate, Neighbourhoods
from unseen_service.runtime.shared_memory import SharedCounts
from unseen_service.usecases import key_limits

from tests.support.hashes import Hashes, flipped, neighbours, random_hashes, random_pdq
from tests.support.problems import problem_slug
from tests.support.running_service import RunningService, serving
from tests.support.submissions import submit_and_index
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


def test_probing_pauses_the_key_on_every_worker(
    service: RunningService,
) -> None:
    with (
        serving(service.database_url) as other,
        service.client("match") as platform,
    ):
        start = random_hashes(1)
        answers = [ask(platform, each[None]).status_code for each in neighbours(start)]
        assert 96 <= answers.count(200) <= 140
        assert answers[-1] == 403
        refused = ask(platform, random_hashes(1))
        assert (refused.status_code, problem_slug(refused)) == (403, "key-paused")
        key = {"Authorization": platform.headers["Authorization"]}
        with httpx.Client(base_url=other.url, headers=key) as elsewhere:
            wait_until(lambda: ask(elsewhere, random_hashes(1)).status_code == 403, within=1)
        assert kinds(service) == ["key.paused", "key.probing"]
        with service.client("audit", platform="Staff") as staff:
            (entry,) = staff.get("/v1/audit", params={"kind": "key.paused"}).json()["entries"]
        assert entry["details"]["around"] >= 96
        service.flow(lambda store: key_limits.resume_key(store, 1, "it was our own test"))
        wait_until(lambda: ask(platform, random_hashes(1)).status_code == 200, within=2)


def test_probing_hidden_in_a_large_batch_is_detected(service: RunningService) -> None:
    with service.client("match") as platform:
        mixed = np.concatenate([random_hashes(9_000), neighbours(random_hashes(1, seed=5))])
        np.random.default_rng(0).shuffle(mixed)
        assert problem_slug(ask(platform, mixed)) == "key-paused"


@pytest.fixture
def shared(tmp_path: Path) -> SharedCounts:
    """Counters in shared memory, as the workers of a host have them."""
    SharedCounts.create(tmp_path / "counts")
    return SharedCounts(tmp_path / "counts")


def test_probing_spread_over_workers_is_detected(
    database_url: str, shared: SharedCounts, tmp_path: Path
) -> None:
    """Three workers that get one query each in turn pause the key as early as one would."""
    again = SharedCounts(tmp_path / "counts")
    with (
        serving(database_url, shared=shared) as one,
        serving(database_url, shared=again) as two,
        serving(database_url, shared=shared) as three,
        one.client("match") as platform,
    ):
        key = {"Authorization": platform.headers["Authorization"]}
        workers = [httpx.Client(base_url=each.url, headers=key) for each in (one, two, three)]
        for worker in workers:
            wait_until(lambda worker=worker: ask(worker, random_hashes(1)).status_code == 200)  # type: ignore[misc]
        steps = zip(neighbours(random_hashes(1, seed=4)), cycle(workers), strict=False)
        admitted = 0
        while ask((step := next(steps))[1], step[0][None]).status_code == 200:
            admitted += 1
        assert 96 <= admitted <= 140
        for worker in workers:
            wait_until(
                lambda worker=worker: ask(worker, random_hashes(1)).status_code == 403, within=1
            )  # type: ignore[misc]
            worker.close()
        assert sorted(kinds(one)) == ["key.paused", "key.probing"], "one alert of each kind"


_ANOTHER_PROCESS = """
import sys
import numpy as np
from pathlib import Path
from unseen_service.ratelimit.probing import Neighbourhoods
from unseen_service.runtime.shared_memory import SharedCounts
shared = SharedCounts(Path(sys.argv[1]))
seen = Neighbourhoods(1.0, shared.block(7), bytes(range(64)))
steps = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(-1, 32)
for step in steps:
    seen.add(step[None], 1.0)
"""


def test_processes_share_counts_per_key_family(shared: SharedCounts, tmp_path: Path) -> None:
    # Not a random one: with 2 % of secrets, two of the hashes share a slot and count twice.
    secret = bytes(range(64))
    steps = neighbours(random_hashes(1))
    subprocess.run(
        [sys.executable, "-c", _ANOTHER_PROCESS, str(tmp_path / "counts")],
        input=steps[:100].tobytes(),
        check=True,
    )
    seen = Neighbourhoods(1.0, shared.block(7), secret)
    assert seen.add(steps[:100], 1.0) == 0, "the other process has counted these"
    assert seen.add(steps[100:101], 1.0) > 60
    another_family = Neighbourhoods(1.0, shared.block(8), secret)
    assert another_family.add(steps[:1], 1.0) == 0
    seen.clear(1.0)
    assert Neighbourhoods(1.0, shared.block(7), secret).add(steps[:2], 1.0) <= 1


def test_workers_share_hit_rates_and_alert_throttling(shared: SharedCounts) -> None:
    rates = [HitRate(1.0, shared.block(1)) for _ in range(4)]
    alerts = [rate.add(1, 1, 1.0) for rate, _ in zip(cycle(rates), range(120), strict=False)]
    assert alerts.index(True) < 110
    one, two = AlertThrottle(shared.block(1)), AlertThrottle(shared.block(1))
    assert one.is_due("key.probing", 5.0)
    assert not two.is_due("key.probing", 6.0)
    assert two.is_due("key.hit-rate", 6.0)
    assert two.is_due("key.probing", 606.0)


def test_worker_counts_alone_without_shared_memory(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """/dev/full cannot be mapped."""
    with (
        serving(database_url, shared=SharedCounts(Path("/dev/full"))) as service,
        service.client("match") as platform,
        caplog.at_level(logging.WARNING),
    ):
        answers = [ask(platform, each[None]).status_code for each in neighbours(random_hashes(1))]
    assert answers[-1] == 403
    assert "by itself" in caplog.text


def test_repeated_near_duplicates_are_not_probing() -> None:
    """One image in twenty encodings, again and again, among others: normal traffic."""
    seen = Neighbourhoods(0.0)
    original = random_pdq(1)
    copies = np.frombuffer(
        bytes.fromhex("".join(flipped(original, 2 * (n % 8), seed=n) for n in range(20))), np.uint8
    ).reshape(-1, 32)
    around = [
        seen.add(np.concatenate([copies, random_hashes(50, seed=n)]), n / 10) for n in range(300)
    ]
    assert max(around) < 32


def test_a_million_unrelated_hashes_are_not_probing() -> None:
    seen = Neighbourhoods(0.0)
    assert max(seen.add(random_hashes(10_000, seed=n), n / 2) for n in range(100)) < 32


@given(order=st.permutations(range(256)), start=st.integers(0, 1000), batch=st.integers(1, 64))
def test_probing_is_detected_in_any_order(order: list[int], start: int, batch: int) -> None:
    seen = Neighbourhoods(0.0)
    steps = neighbours(random_hashes(1, seed=start))[order]
    around = [seen.add(steps[n : n + batch], 0.0) for n in range(0, 256, batch)]
    assert max(around) >= 96


@given(seed=st.integers(0, 1000), count=st.integers(2, 80))
def test_single_hashes_count_like_a_batch(seed: int, count: int) -> None:
    # The same secret for both, so that the same hashes collide.
    together, apart = (Neighbourhoods(0.0, None, bytes(range(64))) for _ in range(2))
    steps = neighbours(random_hashes(1, seed=seed))[:count]
    together.add(steps[:-1], 0.0)
    for step in steps[:-1]:
        apart.add(step[None], 0.0)
    # Two hashes, so that both are counted as a batch; the second was seen before.
    last = steps[[-1, 0]]
    assert together.add(last, 0.0) == apart.add(last, 0.0)


def test_unusually_high_hit_rate_raises_an_alert(service: RunningService) -> None:
    pdqs = [random_pdq(n) for n in range(150)]
    submit_and_index(service, *pdqs)
    with service.client("match") as platform:
        for pdq in pdqs:
            ask(platform, np.frombuffer(bytes.fromhex(pdq), np.uint8)[None], max_distance=0)
    wait_until(lambda: kinds(service) == ["key.hit-rate"])


def test_usual_hit_rate_raises_no_alert() -> None:
    rate = HitRate(0.0)
    assert not any(rate.add(1_000, 5, 60.0 * minute) for minute in range(5_000))
    assert rate.add(1_000, 900, 60.0 * 5_000)


def test_distances_can_be_rounded_to_steps(service: RunningService) -> None:
    pdq = random_pdq(3)
    submit_and_index(service, pdq)
    with service.client("match") as platform:
        query = np.frombuffer(bytes.fromhex(flipped(pdq, 13)), np.uint8)[None]
        assert ask(platform, query).json()["hits"][0]["distance"] == 13
        service.flow(lambda store: key_limits.limit_key(store, 1, coarse=True))
        wait_until(lambda: ask(platform, query).json()["hits"][0]["distance"] == 16, within=2)
        steps = {
            limit: len(ask(platform, query, max_distance=limit).json()["hits"])
            for limit in range(32)
        }
    assert steps == {limit: int(limit > 8) for limit in range(32)}, "the radius reveals no more"


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
