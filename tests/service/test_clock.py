"""The clock of PostgreSQL's machine jumps ahead and back: what is counted by time recovers.

That of a host decides nothing; tests/flow/test_clock_jumps.py has it jump for real.
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

from tests.support.hashes import random_pdq
from tests.support.mirrors import Mirror
from tests.support.running_service import RunningService, serving
from tests.support.submissions import submission, submit, withdraw
from tests.support.waiting import wait_until
from tests.support.webhook_receiver import WebhookReceiver, register_webhook

KEY = "0123456789abcdef"
OWN_CLOCK = re.compile(r"datetime\.now|datetime\.utcnow|date\.today|time\.time\b|time_ns")
"""What asks the host's own clock."""


def set_ahead(database_url: str, statement: str) -> None:
    """Leave behind what was written while the clock was ahead."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def test_a_budget_that_was_spent_in_the_future_drains(database_url: str) -> None:
    """Else the key would be refused until the clock is there again."""
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


def test_a_flood_of_the_future_costs_nobody_work(database_url: str) -> None:
    set_ahead(database_url, "UPDATE intake SET level = 1e6, at = now() + interval '1 hour'")
    with serving(database_url) as service:
        for number in range(2):
            body = submission(random_pdq(number))
            assert httpx.post(f"{service.url}/v1/cases", json=body).status_code == 201


def test_a_change_log_of_the_future_stays_in_order(service: RunningService) -> None:
    """Its times never go back, so that a reader by time misses nothing; nothing else waits."""
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
    measured = httpx.get(f"{service.url}/metrics").text
    (total,) = [
        each for each in measured.splitlines() if each.startswith("unseen_change_apply_seconds_sum")
    ]
    assert float(total.split()[1]) >= 0, "a count never falls"


def test_a_message_of_the_future_is_sent(database_url: str, receiver: WebhookReceiver) -> None:
    """What was to be sent while the clock was 400 days ahead is not put off for 400 days."""
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


def test_what_was_measured_in_the_future_is_measured_anew(database_url: str) -> None:
    set_ahead(database_url, "UPDATE vitals SET at = now() + interval '400 days'")
    with serving(database_url, measure_every_ms=50) as service:
        httpx.post(f"{service.url}/v1/cases", json=submission(random_pdq(1))).raise_for_status()
        measured = "unseen_change_log_position 1.0"
        wait_until(lambda: measured in httpx.get(f"{service.url}/metrics").text)


def test_no_message_has_waited_for_less_than_no_time(database_url: str) -> None:
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
        wait_until(lambda: measured in httpx.get(f"{service.url}/metrics").text)
        assert "unseen_webhooks_oldest_seconds 0.0" in httpx.get(f"{service.url}/metrics").text


def test_a_run_of_the_future_is_not_waited_for(database_url: str) -> None:
    """Retention ran while the clock was ahead: it runs again now, not when the time has come."""
    set_ahead(database_url, "UPDATE retention SET ran_at = now() + interval '400 days'")
    with serving(database_url), psycopg.connect(database_url, autocommit=True) as connection:
        wait_until(
            lambda: (
                connection.execute("SELECT FROM retention WHERE ran_at <= now()").fetchone()
                is not None
            )
        )


def test_one_clock_that_is_ahead_erases_nothing_too_early(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL's, here; with a host's it is tried on a real process, elsewhere."""
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
    """The clock of a host, off by as much as a test says."""

    def __init__(self, off: timedelta) -> None:
        self.off = off

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.off


async def read_anew(known: Clock, database_url: str, times: int = 1) -> None:
    store = Store(database_url, pool_size=1, timeout=10)
    await store.open()
    for _ in range(times):
        await known.reload(store)
    await store.close()


def test_a_worker_goes_by_postgresqls_clock_also_while_that_is_away(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    host = HostClock(timedelta(days=400))

    async def run() -> None:
        known = Clock(host)
        assert known.now() > datetime.now(UTC) + timedelta(days=399), "it knows no better yet"
        await read_anew(known, database_url, times=2)
        host.off = timedelta(hours=-1)
        await read_anew(known, database_url)
        before = known.now()
        await asyncio.sleep(0.05)
        assert timedelta(seconds=0.05) <= known.now() - before
        assert abs(known.now() - datetime.now(UTC)) < timedelta(seconds=30)
        host.off = timedelta()
        await read_anew(known, database_url)

    asyncio.run(run())
    told = [each.getMessage() for each in caplog.records if "clock" in each.getMessage()]
    assert len(told) == 2, "once, however often it is read, and once when it is well again"
    assert "34560000 s ahead of" in told[0]
    assert "agree" in told[1]


def test_a_challenge_of_one_host_is_answered_at_another(database_url: str) -> None:
    """Work that was done is not refused because two hosts disagree on what time it is."""

    async def at_a_host_that_is_off(by: timedelta) -> LiveScreening:
        known, store = Clock(HostClock(by)), Store(database_url, pool_size=1, timeout=10)
        intake = LiveScreening(known)
        await store.open()
        await known.reload(store)
        await intake.reload(store)
        await store.close()
        return intake

    async def run() -> None:
        ahead = await at_a_host_that_is_off(timedelta(days=400))
        behind = await at_a_host_that_is_off(timedelta(days=-400))
        given = ahead.challenges().issue(1, 1)
        proof = Asked(given.token, given.puzzles, given.target, KEY).solve()
        assert behind.challenges().is_paid(proof, KEY, 1, 1)

    asyncio.run(run())


def test_what_asks_the_hosts_own_clock_is_known() -> None:
    """Whatever else is to know the time has to ask PostgreSQL, or the clock that follows it."""
    folder = Path(unseen_service.__file__).parent
    asking = {
        str(each.relative_to(folder))
        for each in folder.rglob("*.py")
        if OWN_CLOCK.search(each.read_text(encoding="utf-8"))
    }
    assert asking == {
        "live/clock.py",  # to say how far off it is
        "jobs/retention.py",  # where both have to agree
    }
