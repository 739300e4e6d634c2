"""The clock of a host jumps, by an hour or 400 days, ahead and back, while PostgreSQL's is right.

PostgreSQL's clock decides: what is told is as true as before, and nothing expires or is erased
by the wrong one.
"""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from unseen_service.jobs.webhook_delivery import sign
from unseen_service.models.keys import NewKey, Scope
from unseen_service.usecases import keys

from tests.support.cli import run
from tests.support.clocks import FakeClock
from tests.support.databases import query
from tests.support.disks import scratch_folder
from tests.support.hashes import new_pdq
from tests.support.mirrors import Mirror
from tests.support.processes import serve_process, workers_of
from tests.support.running_service import RunningService
from tests.support.stopncii_client import Records, active_pdqs, fetch_hashes, stock_client
from tests.support.submissions import PIN, submit, withdraw
from tests.support.waiting import wait_until
from tests.support.webhook_receiver import WebhookReceiver, register_webhook

pytestmark = pytest.mark.slow

HOUR, YEAR = timedelta(hours=1), timedelta(days=400)
JUMPS = [timedelta(), HOUR, YEAR, -HOUR, -YEAR, YEAR, timedelta()]
NEAR = timedelta(minutes=3)
"""What is told of now is not further off; generous, for a machine that is shared."""


def is_now(told: str | float) -> bool:
    at = (
        datetime.fromisoformat(told) if isinstance(told, str) else datetime.fromtimestamp(told, UTC)
    )
    return abs(datetime.now(UTC) - at) < NEAR


@dataclass
class Host:
    """`unseen-service serve` with two workers, on a machine with a clock of its own."""

    service: RunningService
    clock: FakeClock
    process: subprocess.Popen[bytes]
    data: Path
    counted: dict[str, float] = field(default_factory=dict)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command on the same machine."""
        url = self.service.database_url
        return run(
            *arguments, DATABASE_URL=url, UNSEEN_DATA=str(self.data), **self.clock.environment
        )

    def replace_workers(self) -> None:
        """Kill the workers: those that follow start with the clock as it is."""
        before = workers_of(self.process)
        for each in before:
            each.kill()
        wait_until(lambda: self._have_replaced(before))
        wait_until(lambda: all(self.service.is_ready() for _ in range(8)))

    def _have_replaced(self, before: list[psutil.Process]) -> bool:
        workers = workers_of(self.process)
        return len(workers) == 2 and not {*before} & {*workers}

    def counted_off(self) -> float:
        """Say by how much the clock is off, as the service measures it."""
        text = httpx.get(f"{self.service.url}/metrics").text
        (off,) = re.findall(r"^unseen_clock_skew_seconds (\S+)$", text, re.MULTILINE)
        return float(off)

    def database(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return query(self.service.database_url, statement, *values)


@contextmanager
def served(database_url: str) -> Iterator[Host]:
    with scratch_folder() as folder:
        clock, data = FakeClock(folder), folder / "data"
        settings = {
            "UNSEEN_WEBHOOK_PRIVATE_TARGETS": "1",
            "UNSEEN_MEASURE_EVERY_MS": "500",
            **clock.environment,
        }
        with serve_process(data, database_url=database_url, workers=2, **settings) as service:
            yield Host(service, clock, service.process, data)


@pytest.fixture
def host(database_url: str) -> Iterator[Host]:
    with served(database_url) as host:
        yield host


def everywhere(true: Callable[[], bool]) -> None:
    """Wait until something is true on both workers: each time the kernel deals out anew."""
    wait_until(lambda: all(true() for _ in range(8)))


def matched(platform: httpx.Client, pdq: str) -> bool:
    headers = {"Connection": "close"}
    answer = platform.post("/v1/match", json={"hashes": [pdq, new_pdq()]}, headers=headers)
    assert answer.status_code == 200, answer.text
    return bool(answer.json()["hits"])


def person_and_platform(host: Host, platform: httpx.Client) -> None:
    """Submitted, looked at, found, withdrawn, and not found any more."""
    pdq = new_pdq()
    case = submit(host.service, pdq)
    everywhere(lambda: matched(platform, pdq))
    looked_at = httpx.get(
        f"{host.service.url}/v1/cases/{case['case']}", headers={"Unseen-Pin": PIN}
    ).json()
    assert is_now(looked_at["submitted_at"])
    (found,) = looked_at["platforms"]
    assert is_now(found["last_match_at"])
    assert withdraw(host.service, case)["status"] == "withdrawn"
    assert not any(matched(platform, pdq) for _ in range(8))


def mirror_in_step(host: Host, mirror: Mirror) -> None:
    """Who waits for news is told, by a cursor from before the jump; feedback is taken."""
    mirror.catch_up()
    pdq = new_pdq()
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(mirror.page, wait=10)
        submit(host.service, pdq)
        (entry,) = waiting.result()["entries"]
    assert (entry["pdq"], is_now(entry["at"])) == (pdq, True)
    said = {"feedback": [{"record": entry["record"], "value": "removed"}]}
    answer = mirror._client.post("/v1/feedback", json=said)
    assert answer.status_code < 300, answer.text


def counts_as_before_or_more(host: Host) -> None:
    """No count falls, no time is negative, and none is one that nobody has waited."""
    text = httpx.get(f"{host.service.url}/metrics").text
    measured = {n: float(v) for n, v in re.findall(r"^(unseen\S+) (\S+)$", text, re.MULTILINE)}
    assert min(measured.values()) >= 0
    counted = {
        name: value
        for name, value in measured.items()
        if re.search(r"_(total|count|sum|bucket)(\{|$)", name)
    }
    assert {n: v for n, v in counted.items() if v < host.counted.get(n, 0.0)} == {}
    host.counted = counted
    assert measured["unseen_change_apply_seconds_sum"] < 600
    assert measured["unseen_webhooks_oldest_seconds"] < 600
    assert measured["unseen_overdue"] == 0


def proven(host: Host) -> None:
    checkpoint = host.command("audit", "checkpoint")
    assert checkpoint.returncode == 0, checkpoint.stderr
    verified = host.command("audit", "verify")
    assert verified.returncode == 0, verified.stderr


def sent_as_it_is_now(received: WebhookReceiver, secret: bytes, told: int) -> int:
    """Each message is signed, and of a time that a receiver takes."""
    wait_until(lambda: len(received.received) > told)
    for headers, body in received.received[told:]:
        second = int(headers["webhook-timestamp"])
        assert is_now(second)
        assert headers["webhook-signature"] == sign(secret, headers["webhook-id"], second, body)
        assert is_now(json.loads(body)["timestamp"])
    return len(received.received)


def issue(host: Host, platform: str, lasts: timedelta) -> dict[str, str]:
    """Issue a key that ends then, by a clock that is right."""
    new = NewKey(platform, frozenset({Scope.MATCH}), expires_at=datetime.now(UTC) + lasts)
    issued = host.service.flow(lambda store: keys.issue_key(store, new))
    return {"Authorization": f"Bearer {issued.key}"}


def opens(host: Host, headers: dict[str, str]) -> bool:
    return httpx.get(f"{host.service.url}/v1/audit/verifier", headers=headers).status_code == 200


def test_whatever_the_clock_jumps_to_everything_goes_on(
    host: Host, receiver: WebhookReceiver
) -> None:
    service, told, since = host.service, 0, 10
    kept: Records = {}
    stock = stock_client(service, platform="Stock")
    ends = issue(host, "Ends", timedelta(hours=30 * 24))
    ended = issue(host, "Ended", timedelta(seconds=2))
    with (
        service.client("match", platform="Asks") as asks,
        service.client("feed", "feedback", platform="Copies") as copies,
    ):
        _, secret = register_webhook(copies, receiver.url)
        mirror = Mirror(copies)
        wait_until(lambda: not opens(host, ended))
        for jump in JUMPS:
            host.clock.set_offset(jump)
            person_and_platform(host, asks)
            mirror_in_step(host, mirror)
            more, since = fetch_hashes(stock, since)
            kept |= more
            assert is_now(since)
            assert active_pdqs(kept) == set(mirror.kept.values())
            assert all(opens(host, ends) for _ in range(8))
            assert not any(opens(host, ended) for _ in range(8))
            told = sent_as_it_is_now(receiver, secret, told)
            proven(host)
            counts_as_before_or_more(host)
            assert (service.ready()["status"], service.ready()["reasons"]) == ("ready", [])
    host.process.terminate()
    host.process.wait(timeout=60)
    minutes = host.database(
        "SELECT details ->> 'minute' FROM audit_log WHERE kind = 'match.missed'"
    )
    assert minutes
    assert all(abs(datetime.now(UTC) - datetime.fromisoformat(each)) < NEAR for (each,) in minutes)


@pytest.mark.parametrize("jump", [YEAR, -YEAR])
def test_workers_that_start_with_a_wrong_clock_erase_and_expire_as_others(
    host: Host, jump: timedelta
) -> None:
    """What a platform was handed has its 30 days, and what it let go of goes at once."""
    held, let_go = submit(host.service, new_pdq()), submit(host.service, new_pdq())
    ends = issue(host, "Ends", timedelta(days=30))
    with host.service.client("feed", "feedback", platform="Copies") as copies:
        mirror = Mirror(copies).catch_up()
        wait_until(lambda: len(mirror.catch_up().kept) == 2)
        for case in (held, let_go):
            withdraw(host.service, case)
        confirmed = copies.post("/v1/withdrawals", json={"records": [min(mirror.kept)]})
        confirmed.raise_for_status()
        # None is due, for one was as soon as a worker started; and then one is.
        (ran_at,) = host.database("SELECT ran_at FROM retention")[0]
        host.clock.set_offset(jump)
        host.replace_workers()
        assert opens(host, ends)
        assert host.database("SELECT ran_at FROM retention") == [(ran_at,)], "a day is not over"
        host.database("UPDATE retention SET ran_at = now() - interval '25 hours'")
        host.replace_workers()
        ran = "SELECT ran_at FROM retention WHERE ran_at > now() - interval '1 hour'"
        wait_until(lambda: host.database(ran))
    assert host.database("SELECT count(pdq) FROM hashes") == [(1,)]
    assert host.database("SELECT details FROM audit_log WHERE kind = 'retention.erased'") == [
        ({"bits": 1},)
    ]
    wait_until(lambda: host.counted_off() > YEAR.total_seconds() - NEAR.total_seconds())


@pytest.mark.parametrize("jump", [YEAR, -YEAR])
def test_commands_at_a_wrong_clock_do_what_they_do_at_a_right_one(
    database_url: str, jump: timedelta
) -> None:
    with scratch_folder() as folder:
        clock = FakeClock(folder)
        clock.set_offset(jump)
        settings = {
            "DATABASE_URL": database_url,
            "UNSEEN_DATA": str(folder / "data"),
            **clock.environment,
        }
        issued = run("keys", "issue", "P", "--scope", "match", "--expires", "10d", **settings)
        assert issued.returncode == 0, issued.stderr
        with psycopg.connect(database_url) as connection:
            row = connection.execute("SELECT expires_at - now() FROM keys").fetchone()
        assert row
        assert abs(row[0] - timedelta(days=10)) < NEAR
        assert "in force" in run("keys", "list", **settings).stdout
        assert run("keys", "rotate", "1", **settings).returncode == 0
        assert run("retain", **settings).returncode == 0
        assert run("audit", "checkpoint", **settings).returncode == 0
        assert run("audit", "verify", **settings).returncode == 0
