"""Processes are killed at random, while clients record what the service acknowledged to them.

`--chaos-seconds` sets how long that lasts; `--chaos-seed` repeats a run's random choices.
"""

import random
import secrets
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from tests.support.admins import Admins
from tests.support.cli import run
from tests.support.disks import scratch_folder
from tests.support.hashes import random_pdq
from tests.support.ports import free_port
from tests.support.processes import is_postmaster, is_worker, start_serve
from tests.support.submissions import PIN, submission
from tests.support.waiting import wait_until
from tests.support.webhook_receiver import WebhookReceiver

SECONDS = 20.0
WORKERS = 2
PATIENCE = 90.0
"""Seconds after the last kill within which everything must work again."""


class RestartableService:
    """`unseen-service serve` with an embedded PostgreSQL, started again when it is killed."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data.parent / "log"
        self._http = httpx.Client(timeout=5, limits=httpx.Limits(max_keepalive_connections=0))
        self.process: subprocess.Popen[bytes]
        self.start()

    def start(self) -> None:
        environment = {
            "UNSEEN_WORK_FREE_HASHES_PER_MINUTE": "100000000",
            "UNSEEN_WEBHOOK_PRIVATE_TARGETS": "1",
        }
        self.process = start_serve(
            self.data, self.port, workers=WORKERS, log=self.log, environment=environment
        )

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=60)
        self._http.close()

    def ready(self) -> bool:
        try:
            return self._http.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def _children(self, right: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
        try:
            return [each for each in psutil.Process(self.process.pid).children() if right(each)]
        except psutil.NoSuchProcess:
            return []

    def workers(self) -> list[psutil.Process]:
        return self._children(is_worker)

    def kill_worker(self, chance: random.Random) -> None:
        workers = self.workers()
        if workers:
            chance.choice(workers).send_signal(signal.SIGKILL)

    def kill_postgres(self, _: random.Random) -> None:
        for each in self._children(is_postmaster):
            each.send_signal(signal.SIGKILL)

    def kill_supervisor(self, _: random.Random) -> None:
        """Kill it, and start it at once, as a service manager does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.start()


@dataclass
class Ledger:
    """What the service acknowledged to one client, and every answer that contradicts it."""

    submitted: dict[str, str] = field(default_factory=dict)
    """Case number by acknowledged hash."""
    withdrawn: list[str] = field(default_factory=list)
    uncertain: set[str] = field(default_factory=set)
    """Hashes whose withdrawal was requested but not acknowledged: it may have happened or not."""
    violations: list[str] = field(default_factory=list)
    retries: int = 0
    refused: int = 0


class Client(threading.Thread):
    """A person who submits and withdraws and a platform that looks hashes up, in random order."""

    def __init__(
        self, service: RestartableService, key: str, number: int, stop: threading.Event, seed: int
    ) -> None:
        super().__init__()
        self.ledger = Ledger()
        # A new connection for every request, so that any worker may serve it.
        self._http = httpx.Client(
            base_url=service.url, timeout=15, limits=httpx.Limits(max_keepalive_connections=0)
        )
        self._key = {"Authorization": f"Bearer {key}"}
        self._random = random.Random(seed * 1_000 + number)
        self._first_seed = (number << 32) + seed * 7
        self._submissions = 0
        self._stopped = stop
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while not self._stopped.is_set():
                steps = {
                    self._submit: 4,
                    self._withdraw: 2,
                    self._look_up_withdrawn: 3,
                    self._look_up_submitted: 3,
                }
                (step,) = self._random.choices([*steps], [*steps.values()])
                step()
        except BaseException as error:  # noqa: BLE001 - reported by the test
            self.error = error

    def _call(self, method: str, path: str, **options: object) -> httpx.Response | None:
        try:
            answer = self._http.request(method, path, **options)  # type: ignore[arg-type]
        except httpx.TransportError:
            return None
        if answer.status_code not in (200, 201, 503):
            self.ledger.violations.append(f"{method} {path.split('/')[2]}: {answer.status_code}")
        if answer.status_code == 503:
            self.ledger.refused += 1
            self._stopped.wait(0.05)
        return answer if answer.status_code in (200, 201) else None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _submit(self) -> None:
        """Submit a hash, with one idempotency key, until it is acknowledged."""
        pdq = random_pdq(self._first_seed + self._submissions)
        self._submissions += 1
        headers = {"Idempotency-Key": secrets.token_urlsafe(24)}
        while not self._stopped.is_set():
            answer = self._call("POST", "/v1/cases", json=submission(pdq), headers=headers)
            if answer is not None:
                self.ledger.submitted[pdq] = answer.json()["case"]
                return
            self.ledger.retries += 1
            self._stopped.wait(0.05)

    def _withdraw(self) -> None:
        active = [each for each in self.ledger.submitted if each not in self.ledger.uncertain]
        if not active:
            return
        pdq = self._random.choice(active)
        path = f"/v1/cases/{self.ledger.submitted[pdq]}"
        if self._call("DELETE", path, headers={"Unseen-Pin": PIN}) is None:
            self.ledger.uncertain.add(pdq)
            return
        del self.ledger.submitted[pdq]
        self.ledger.withdrawn.append(pdq)

    def look_up(self, pdqs: list[str]) -> set[str] | None:
        """Return which of the hashes matched, or None if the service did not answer."""
        answer = self._call("POST", "/v1/match", json={"hashes": pdqs}, headers=self._key)
        if answer is None:
            return None
        return {pdqs[each["query"]] for each in answer.json()["hits"]}

    def _look_up_withdrawn(self) -> None:
        """Check that hashes no longer match once their withdrawal is acknowledged."""
        latest = self.ledger.withdrawn[-3:]
        if latest and (found := self.look_up(latest)):
            self.ledger.violations.append(f"{len(found)} withdrawn hashes were matched")

    def _look_up_submitted(self) -> None:
        """Look one up as load only: a worker may lag, so what must match is checked at the end."""
        if self.ledger.submitted:
            self.look_up([self._random.choice(list(self.ledger.submitted))])


def register_webhook(service: RestartableService, receiver: WebhookReceiver) -> None:
    admins = Admins.bootstrap(service.url, "--data", str(service.data))
    key = admins.active_key("Example", "feed")
    webhook = {
        "url": receiver.url,
        "events": ["hash.added", "hash.withdrawn"],
    }
    headers = {"Authorization": f"Bearer {key}"}

    def registered() -> bool:
        answer = httpx.post(f"{service.url}/v1/webhooks", json=webhook, headers=headers)
        assert answer.status_code in (201, 401), answer.text
        return answer.status_code == 201

    wait_until(registered)


@pytest.fixture
def service() -> Iterator[RestartableService]:
    with scratch_folder() as folder:
        service = RestartableService(folder / "data")
        try:
            wait_until(service.ready)
            yield service
        except BaseException:
            print(service.log.read_text()[-20_000:])
            raise
        finally:
            service.stop()


@contextmanager
def busy(service: RestartableService, key: str, clients: int, seed: int) -> Iterator[list[Client]]:
    stop = threading.Event()
    threads = [Client(service, key, number, stop, seed) for number in range(clients)]
    for each in threads:
        each.start()
    try:
        yield threads
    finally:
        stop.set()
        for each in threads:
            each.join()
            each.close()


def check_one_case_per_submission(database: psycopg.Connection, ledgers: list[Ledger]) -> None:
    """Check that no retry opened a second case."""
    (cases,) = database.execute(
        "SELECT count(*) FROM (SELECT pdq FROM hashes JOIN image_hashes ON hash_id = hashes.id"
        " GROUP BY pdq HAVING count(*) > 1) AS twice"
    ).fetchone() or (None,)
    assert cases == 0
    acknowledged = sum(len(each.submitted) + len(each.withdrawn) for each in ledgers)
    (stored,) = database.execute("SELECT count(*) FROM cases").fetchone() or (0,)
    # A client that was stopped during a submission does not know whether it opened a case.
    assert acknowledged <= stored <= acknowledged + len(ledgers)


def check_change_log_has_no_gaps(database: psycopg.Connection) -> None:
    row = database.execute(
        "SELECT count(*), coalesce(max(changes.position), 0), (SELECT position FROM change_head)"
        " FROM changes"
    ).fetchone()
    assert row
    assert row[0] == row[1] == row[2]


def check_nothing_is_stuck(database: psycopg.Connection) -> None:
    """Check that no connection stays in a transaction or waits for a lock."""

    def stuck() -> int:
        row = database.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
            " AND (state LIKE 'idle in transaction%' OR wait_event_type = 'Lock')"
            " AND now() - state_change > interval '2 seconds'"
        ).fetchone()
        return int(row[0]) if row else -1

    wait_until(lambda: stuck() == 0)


def wait_until_outbox_is_empty(database: psycopg.Connection) -> None:
    """Wait for all webhook messages; another worker resends a killed one's after a minute."""

    def waiting() -> int:
        row = database.execute("SELECT count(*) FROM webhook_messages").fetchone()
        return int(row[0]) if row else -1

    wait_until(lambda: waiting() == 0, within=150)


def check_acknowledged_changes(client: Client, ledgers: list[Ledger]) -> None:
    """Check them on every worker: the kernel picks one for each of many connections."""
    active = [pdq for each in ledgers for pdq in each.submitted if pdq not in each.uncertain]
    withdrawn = [pdq for each in ledgers for pdq in each.withdrawn]

    def all_match() -> bool:
        return client.look_up(active) == set(active)

    wait_until(lambda: all(all_match() for _ in range(16)), within=PATIENCE)
    for _ in range(16):
        assert client.look_up(withdrawn) == set()
    client.close()


@pytest.mark.slow
def test_acknowledged_changes_survive_random_kills(
    service: RestartableService, receiver: WebhookReceiver, pytestconfig: pytest.Config
) -> None:
    seconds = pytestconfig.getoption("chaos_seconds") or SECONDS
    seed = pytestconfig.getoption("chaos_seed") or secrets.randbits(32)
    print(f"--chaos-seconds={seconds:g} --chaos-seed={seed}")
    rng = random.Random(seed)
    issued = run("keys", "issue", "Example", "--scope", "match", "--data", str(service.data))
    register_webhook(service, receiver)
    kills: list[str] = []
    with busy(service, issued.stdout.strip(), clients=6, seed=seed) as clients:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            # Kill sometimes during a recovery, sometimes after it.
            time.sleep(rng.uniform(0.1, 2.0))
            if rng.random() < 0.7:
                wait_until(lambda: all(service.ready() for _ in range(4)), within=PATIENCE)
                time.sleep(rng.uniform(0.5, 2.0))
            victim = rng.choice(
                [service.kill_worker, service.kill_postgres, service.kill_supervisor]
            )
            kills.append(victim.__name__)
            victim(rng)
        began = time.monotonic()
        wait_until(lambda: len(service.workers()) == WORKERS, within=PATIENCE)
        wait_until(lambda: all(service.ready() for _ in range(8)), within=PATIENCE)
        recovered_after = round(time.monotonic() - began, 1)
        time.sleep(1)
    ledgers = [each.ledger for each in clients]
    acknowledged = sum(len(each.submitted) + len(each.withdrawn) for each in ledgers)
    retries, refused = (sum(getattr(x, n) for x in ledgers) for n in ("retries", "refused"))
    print(f"{kills=} {recovered_after=} {acknowledged=} {retries=} {refused=}")
    assert [each.error for each in clients] == [None] * len(clients)
    assert [violation for each in ledgers for violation in each.violations] == []
    assert acknowledged > 0

    began = time.monotonic()
    platform = Client(service, issued.stdout.strip(), 99, threading.Event(), seed)
    check_acknowledged_changes(platform, ledgers)
    print(f"checked in {time.monotonic() - began:.1f} s")
    verified = run("audit", "verify", "--data", str(service.data))
    assert verified.returncode == 0, verified.stderr
    with psycopg.connect(database_of(service), autocommit=True) as database:
        check_change_log_has_no_gaps(database)
        check_one_case_per_submission(database, ledgers)
        check_nothing_is_stuck(database)
        wait_until_outbox_is_empty(database)


def database_of(service: RestartableService) -> str:
    from unseen_service.embedded_postgres import EmbeddedPostgres  # noqa: PLC0415

    return EmbeddedPostgres(service.data).start()  # joins the running server
