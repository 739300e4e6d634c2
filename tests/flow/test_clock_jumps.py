"""A host's clock jumps by an hour or 400 days, forward and back, while PostgreSQL's stays right.

The service goes by PostgreSQL's clock: its timestamps stay right, and nothing expires or is erased
at the wrong time.
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
from unseen_service.models.keys import NewKey, Scope
from unseen_service.usecases import keys
from unseen_service.usecases.standard_webhooks import sign

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
"""How far a timestamp of now may be off; generous, because the machine may be busy."""


def is_now(timestamp: str | float) -> bool:
    if isinstance(timestamp, str):
        at = datetime.fromisoformat(timestamp)
    else:
        at = datetime.fromtimestamp(timestamp, UTC)
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
        """Return the clock skew that the service measures, in seconds."""
        text = self.service.metrics()
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
    """Wait until a condition holds on both workers: the kernel picks one for each connection."""
    wait_until(lambda: all(true() for _ in range(8)))


def is_match(platform: httpx.Client, pdq: str) -> bool:
    headers = {"Connection": "close"}
    answer = platform.post("/v1/match", json={"hashes": [pdq, new_pdq()]}, headers=headers)
    assert answer.status_code == 200, answer.text
    return bool(answer.json()["hits"])


def check_submission(host: Host, platform: httpx.Client) -> None:
    """Check that a submitted hash matches until it is withdrawn, and the case's timestamps."""
    pdq = new_pdq()
    case = submit(host.service, pdq)
    everywhere(lambda: is_match(platform, pdq))
    shown = httpx.get(
        f"{host.service.url}/v1/cases/{case['case']}", headers={"Unseen-Pin": PIN}
    ).json()
    assert is_now(shown["submitted_at"])
    (matched_by,) = shown["platforms"]
    assert is_now(matched_by["last_match_at"])
    assert withdraw(host.service, case)["status"] == "withdrawn"
    assert not any(is_match(platform, pdq) for _ in range(8))


def check_feed(host: Host, mirror: Mirror) -> None:
    """Check that waiting with a cursor from before the jump works, and feedback is accepted."""
    mirror.catch_up()
    pdq = new_pdq()
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(mirror.page, wait=10)
        submit(host.service, pdq)
        (entry,) = waiting.result()["entries"]
    assert (entry["pdq"], is_now(entry["at"])) == (pdq, True)
    feedback = {"feedback": [{"record": entry["record"], "value": "removed"}]}
    answer = mirror._client.post("/v1/feedback", json=feedback)
    assert answer.status_code < 300, answer.text


def check_metrics(host: Host) -> None:
    """Check that no counter falls, no value is negative, and no duration has the jump in it."""
    text = host.service.metrics()
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


def check_audit_log(host: Host) -> None:
    checkpoint = host.command("audit", "checkpoint")
    assert checkpoint.returncode == 0, checkpoint.stderr
    verified = host.command("audit", "verify")
    assert verified.returncode == 0, verified.stderr


def check_webhooks(received: WebhookReceiver, secret: bytes, seen: int) -> int:
    """Check signatures and times of the messages after the first `seen`; return their number."""
    wait_until(lambda: len(received.received) > seen)
    for headers, body in received.received[seen:]:
        second = int(headers["webhook-timestamp"])
        assert is_now(second)
        assert headers["webhook-signature"] == sign(secret, headers["webhook-id"], second, body)
        assert is_now(json.loads(body)["timestamp"])
    return len(received.received)


def issue(host: Host, platform: str, lasts: timedelta) -> dict[str, str]:
    """Issue a key that expires after a time, by a clock that is right; return its headers."""
    new = NewKey(platform, frozenset({Scope.MATCH}), expires_at=datetime.now(UTC) + lasts)
    issued = host.service.flow(lambda store: keys.issue_key(store, new))
    return {"Authorization": f"Bearer {issued.key}"}


def is_accepted(host: Host, headers: dict[str, str]) -> bool:
    return httpx.get(f"{host.service.url}/v1/audit/verifier", headers=headers).status_code == 200


def test_everything_works_after_each_jump_of_the_clock(
    host: Host, receiver: WebhookReceiver
) -> None:
    service, messages, since = host.service, 0, 10
    kept: Records = {}
    stock = stock_client(service, platform="Stock")
    active = issue(host, "Active", timedelta(days=30))
    expired = issue(host, "Expired", timedelta(seconds=2))
    with (
        service.client("match", platform="Matching") as matching,
        service.client("feed", "feedback", platform="Mirroring") as mirroring,
    ):
        _, secret = register_webhook(mirroring, receiver.url)
        mirror = Mirror(mirroring)
        wait_until(lambda: not is_accepted(host, expired))
        for jump in JUMPS:
            host.clock.set_offset(jump)
            check_submission(host, matching)
            check_feed(host, mirror)
            more, since = fetch_hashes(stock, since)
            kept |= more
            assert is_now(since)
            assert active_pdqs(kept) == set(mirror.kept.values())
            assert all(is_accepted(host, active) for _ in range(8))
            assert not any(is_accepted(host, expired) for _ in range(8))
            messages = check_webhooks(receiver, secret, messages)
            check_audit_log(host)
            check_metrics(host)
            assert (service.ready()["status"], service.ready()["reasons"]) == ("ready", [])
    host.process.terminate()
    host.process.wait(timeout=60)
    minutes = host.database(
        "SELECT details ->> 'minute' FROM audit_log WHERE kind = 'match.missed'"
    )
    assert minutes
    assert all(abs(datetime.now(UTC) - datetime.fromisoformat(each)) < NEAR for (each,) in minutes)


@pytest.mark.parametrize("jump", [YEAR, -YEAR], ids=["ahead", "behind"])
def test_workers_started_with_a_wrong_clock_expire_and_erase_on_time(
    host: Host, jump: timedelta
) -> None:
    """Bits whose deletion was confirmed are erased at the next run, the others after 30 days."""
    cases = submit(host.service, new_pdq()), submit(host.service, new_pdq())
    active = issue(host, "Active", timedelta(days=30))
    with host.service.client("feed", "feedback", platform="Mirroring") as mirroring:
        mirror = Mirror(mirroring).catch_up()
        wait_until(lambda: len(mirror.catch_up().kept) == 2)
        for case in cases:
            withdraw(host.service, case)
        confirmed = mirroring.post("/v1/withdrawals", json={"records": [min(mirror.kept)]})
        confirmed.raise_for_status()
        # No run is due, as one took place when the service started; later one is.
        (ran_at,) = host.database("SELECT ran_at FROM retention")[0]
        host.clock.set_offset(jump)
        host.replace_workers()
        assert is_accepted(host, active)
        assert host.database("SELECT ran_at FROM retention") == [(ran_at,)], "runs are daily"
        host.database("UPDATE retention SET ran_at = now() - interval '25 hours'")
        host.replace_workers()
        ran = "SELECT ran_at FROM retention WHERE ran_at > now() - interval '1 hour'"
        wait_until(lambda: host.database(ran))
    assert host.database("SELECT count(pdq) FROM hashes") == [(1,)]
    runs = "SELECT details - 'salt' FROM audit_log WHERE kind = 'retention.erased'"
    assert host.database(runs) == [({"bits": 1},)]
    wait_until(lambda: host.counted_off() > YEAR.total_seconds() - NEAR.total_seconds())


@pytest.mark.parametrize("jump", [YEAR, -YEAR], ids=["ahead", "behind"])
def test_operator_commands_work_with_a_wrong_clock(database_url: str, jump: timedelta) -> None:
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
        assert "active" in run("keys", "list", **settings).stdout
        assert run("keys", "rotate", "1", **settings).returncode == 0
        assert run("retain", **settings).returncode == 0
        assert run("audit", "checkpoint", **settings).returncode == 0
        assert run("audit", "verify", **settings).returncode == 0
