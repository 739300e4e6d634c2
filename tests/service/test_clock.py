"""The clock of PostgreSQL's host jumps ahead and back: everything that depends on time recovers.

The clock of a service's host decides nothing; tests/flow/test_clock_jumps.py changes it for real.
"""

import asyncio
import logging
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg
import pytest
import unseen_service
from unseen.proof_of_work import Challenge as Asked
from unseen_service.jobs.retention import Periods, erase
from unseen_service.live.clock import Clock
from unseen_service.live.screening import LiveScreening
from unseen_service.settings import Settings
from unseen_service.store import Store, clock

from tests.support.databases import query
from tests.support.hashes import random_pdq
from tests.support.mirrors import Mirror
from tests.support.running_service import RunningService, serving
from tests.support.submissions import submission, submit, withdraw
from tests.support.waiting import wait_until
from tests.support.webhook_receiver import WebhookReceiver, register_webhook

KEY = "0123456789abcdef"
OWN_CLOCK = re.compile(r"datetime\.now|datetime\.utcnow|date\.today|time\.time\b|time\.time_ns")
"""Code that reads the host's clock."""


def set_ahead(database_url: str, statement: str) -> None:
    """Write what the service would have written while the clock was ahead."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def test_budget_spent_while_the_clock_was_ahead_recovers(database_url: str) -> None:
    """Otherwise the key would be refused until the clock reaches that time again."""
    with serving(database_url, hashes_per_minute=6) as service, service.client("match") as platform:

        def asked() -> int:
            body = {"hashes": [random_pdq(n) for n in range(10)]}
            return platform.post("/v1/match", json=body).status_code

        assert asked() == 200
        assert asked() == 429
        with psycopg.connect(database_url, autocommit=True) as connection:
            wait_until(
                lambda: (
                    connection.execute("SELECT FROM key_usage WHERE hashes > 0").fetchone()
                    is not None
                )
            )
        assert asked() == 429
        set_ahead(database_url, "UPDATE key_usage SET at = at + interval '1 hour'")
        wait_until(lambda: asked() == 200)


def test_load_recorded_while_the_clock_was_ahead_requires_no_work(database_url: str) -> None:
    set_ahead(database_url, "UPDATE intake SET level = 1e6, at = now() + interval '1 hour'")
    with serving(database_url) as service:
        for number in range(2):
            body = submission(random_pdq(number))
            assert httpx.post(f"{service.url}/v1/cases", json=body).status_code == 201


@pytest.mark.parametrize("hours", [13, 24 * 365])
def test_first_submission_after_a_long_time_is_accepted(database_url: str, hours: int) -> None:
    """exp(-746) is too small a number for PostgreSQL: the level after 12.5 hours without any."""
    query(
        database_url, "UPDATE intake SET level = 8, at = now() - make_interval(hours => %s)", hours
    )
    with serving(database_url) as service:
        body = submission(random_pdq(1))
        assert httpx.post(f"{service.url}/v1/cases", json=body).status_code == 201


def test_change_times_stay_in_order_when_the_clock_goes_back(service: RunningService) -> None:
    """Times in the change log never decrease, so that readers by time miss nothing."""
    set_ahead(service.database_url, "UPDATE change_head SET at = now() + interval '1 hour'")
    set_ahead(service.database_url, "UPDATE audit_head SET at = now() + interval '1 hour'")
    pdqs = [random_pdq(n) for n in range(3)]
    for pdq in pdqs:
        httpx.post(f"{service.url}/v1/cases", json=submission(pdq)).raise_for_status()
    service.wait_in_step()
    with service.client("match") as platform:
        assert len(platform.post("/v1/match", json={"hashes": pdqs}).json()["hits"]) == 3
    with psycopg.connect(service.database_url) as connection:
        times = [at for (at,) in connection.execute("SELECT at FROM changes ORDER BY position")]
    assert times == sorted(times)
    measured = service.metrics()
    (total,) = [
        each for each in measured.splitlines() if each.startswith("unseen_change_apply_seconds_sum")
    ]
    assert float(total.split()[1]) >= 0, "a counter never decreases"


def test_message_queued_while_the_clock_was_ahead_is_sent(
    database_url: str, receiver: WebhookReceiver
) -> None:
    """A message that was due while the clock was 400 days ahead does not wait for 400 days."""
    with (
        serving(database_url, webhook_private_targets=1) as service,
        service.client("feed") as platform,
    ):
        webhook, _ = register_webhook(platform, receiver.url)
        set_ahead(
            database_url,
            "INSERT INTO webhook_messages (webhook_id, event, body, created_at, due_at)"
            " SELECT id, 'hash.added', '{}', now() + interval '400 days',"
            " now() + interval '400 days' FROM webhooks",
        )
        platform.post(f"/v1/webhooks/{webhook}/test").raise_for_status()
        wait_until(lambda: len(receiver.received) == 2)


def test_metrics_collected_while_the_clock_was_ahead_are_replaced(database_url: str) -> None:
    set_ahead(database_url, "UPDATE vitals SET at = now() + interval '400 days'")
    with serving(database_url, measure_every_ms=50) as service:
        httpx.post(f"{service.url}/v1/cases", json=submission(random_pdq(1))).raise_for_status()
        measured = "unseen_change_log_position 1.0"
        wait_until(lambda: measured in service.metrics())


def test_age_of_the_oldest_message_is_never_negative(database_url: str) -> None:
    set_ahead(
        database_url,
        "WITH platform AS (INSERT INTO platforms (name) VALUES ('P') RETURNING id),"
        " webhook AS (INSERT INTO webhooks (platform_id, url, secret, events)"
        " SELECT id, 'https://x.example', '', '{hash.added}' FROM platform RETURNING id)"
        " INSERT INTO webhook_messages (webhook_id, event, body, created_at, due_at)"
        " SELECT id, 'hash.added', '{}', now() + interval '1 hour', now() + interval '1 hour'"
        " FROM webhook",
    )
    with serving(database_url, measure_every_ms=50) as service:
        measured = "unseen_webhooks_waiting 1.0"
        wait_until(lambda: measured in service.metrics())
        assert "unseen_webhooks_oldest_seconds 0.0" in service.metrics()


def test_retention_runs_although_its_last_run_is_in_the_future(database_url: str) -> None:
    """If it ran while the clock was ahead, it does not wait until that time."""
    set_ahead(database_url, "UPDATE retention SET ran_at = now() + interval '400 days'")
    with serving(database_url), psycopg.connect(database_url, autocommit=True) as connection:
        wait_until(
            lambda: (
                connection.execute("SELECT FROM retention WHERE ran_at <= now()").fetchone()
                is not None
            )
        )


def test_nothing_is_erased_early_if_one_clock_is_ahead(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL's clock, here; tests/flow/test_clock_jumps.py sets a host's."""
    case = submit(service, random_pdq(1))
    with service.client("feed") as platform:
        Mirror(platform).catch_up()
    withdraw(service, case)

    async def ahead(_: object) -> datetime:
        return datetime.now(UTC) + timedelta(days=400)

    monkeypatch.setattr(clock, "now", ahead)
    periods = Periods.of(Settings(database_url="-"))
    assert service.flow(lambda store: erase(store, periods)) == {}
    with psycopg.connect(service.database_url) as connection:
        assert connection.execute("SELECT FROM hashes WHERE pdq IS NULL").fetchall() == []


class HostClock:
    """The clock of a host with a skew that the test sets."""

    def __init__(self, skew: timedelta) -> None:
        self.skew = skew

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.skew


async def reload(followed: Clock, database_url: str, times: int = 1) -> None:
    store = Store(database_url, pool_size=1, timeout=10)
    await store.open()
    for _ in range(times):
        await followed.reload(store)
    await store.close()


def test_worker_follows_the_clock_of_an_unavailable_postgresql(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    host = HostClock(timedelta(days=400))

    async def run() -> None:
        followed = Clock(host)
        assert followed.now() > datetime.now(UTC) + timedelta(days=399), "the host's clock so far"
        await reload(followed, database_url, times=2)
        host.skew = timedelta(hours=-1)
        await reload(followed, database_url)
        before = followed.now()
        await asyncio.sleep(0.05)
        assert timedelta(seconds=0.05) <= followed.now() - before
        assert abs(followed.now() - datetime.now(UTC)) < timedelta(seconds=30)
        host.skew = timedelta()
        await reload(followed, database_url)

    asyncio.run(run())
    messages = [each.getMessage() for each in caplog.records if "clock" in each.getMessage()]
    assert len(messages) == 2, "one line when the skew is found, one when it is gone"
    assert "34560000 s ahead of" in messages[0]
    assert "agree" in messages[1]


def test_challenge_from_one_host_is_valid_on_another(database_url: str) -> None:
    """A proof is not refused because two hosts disagree about the time."""

    async def screening_on_host(skew: timedelta) -> LiveScreening:
        followed = Clock(HostClock(skew))
        store = Store(database_url, pool_size=1, timeout=10)
        screening = LiveScreening(followed)
        await store.open()
        await followed.reload(store)
        await screening.reload(store)
        await store.close()
        return screening

    async def run() -> None:
        ahead = await screening_on_host(timedelta(days=400))
        behind = await screening_on_host(timedelta(days=-400))
        challenge = ahead.challenges().issue(1, 1)
        proof = Asked(challenge.token, challenge.puzzles, challenge.target, KEY).solve()
        assert behind.challenges().is_paid(proof, KEY, 1, 1)

    asyncio.run(run())


def test_only_known_modules_read_the_host_clock() -> None:
    """All other code takes the time from PostgreSQL, or from the clock that follows it."""
    folder = Path(unseen_service.__file__).parent
    reading = {
        str(each.relative_to(folder))
        for each in folder.rglob("*.py")
        if OWN_CLOCK.search(each.read_text(encoding="utf-8"))
    }
    assert reading == {
        "live/clock.py",  # measures the skew
        "jobs/retention.py",  # erases only if both clocks agree
        "jobs/witness_delivery.py",  # dates a request for its receiver, which has its own clock
    }
