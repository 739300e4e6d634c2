"""PostgreSQL refuses connections, hangs, or is behind a network that drops everything.

`--chaos-seconds` sets how long each outage lasts.
"""

import asyncio
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest
from unseen_service.embedded_postgres import EmbeddedPostgres
from unseen_service.store import Store, migrate

from tests.environment import clean_environment
from tests.proxy import Mode, Proxy
from tests.service.test_cli import COMMAND
from tests.support import (
    PIN,
    Service,
    free_port,
    random_pdq,
    scratch_folder,
    serving,
    submission,
    wait_until,
)

SECONDS = 3.0
QUICKLY = 10.0
"""Seconds in which PostgreSQL's absence is told at the latest: far from a client's own patience."""
USUAL = 0.5
"""Seconds in which a miss is answered whatever goes on: generous, for a machine that is shared."""

BUSY = 3
"""How many times longer than promised a recovery may take here, where others use the machine."""

fresh = count(1_000)


@dataclass
class Asked:
    """What came of requests: (status, seconds) of each, by what was asked."""

    answers: dict[str, list[tuple[int, float]]] = field(default_factory=dict)

    def note(self, what: str, question: Callable[[], httpx.Response]) -> httpx.Response:
        began = time.monotonic()
        answer = question()
        self.answers.setdefault(what, []).append((answer.status_code, time.monotonic() - began))
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) <= 5
        return answer

    def statuses(self, what: str) -> set[int]:
        return {status for status, _ in self.answers[what]}

    def most(self, what: str) -> float:
        """Give the seconds that 9 of 10 did not exceed: what a waiting pool would have cost all."""
        seconds = sorted(seconds for _, seconds in self.answers[what])
        return seconds[len(seconds) * 9 // 10]

    def slowest(self, what: str) -> float:
        return max(seconds for _, seconds in self.answers[what])


def miss(platform: httpx.Client) -> httpx.Response:
    return platform.post("/v1/match", json={"hashes": [random_pdq(next(fresh))]})


def hit(platform: httpx.Client, pdq: str) -> httpx.Response:
    return platform.post("/v1/match", json={"hashes": [pdq]})


def submit(url: str, pdq: str) -> httpx.Response:
    return httpx.post(f"{url}/v1/cases", json=submission(pdq), timeout=60)


def withdraw(url: str, case: str) -> None:
    headers = {"Unseen-Pin": PIN}
    httpx.delete(f"{url}/v1/cases/{case}", headers=headers, timeout=60).raise_for_status()


def request_during_outage(service: Service, pdq: str, seconds: float) -> Asked:
    """Look up misses one after the other, while threads look up hits and submit."""
    asked, until = Asked(), time.monotonic() + seconds

    def repeat(what: str, question: Callable[[], httpx.Response]) -> None:
        while time.monotonic() < until:
            asked.note(what, question)

    with service.client("match") as platform, ThreadPoolExecutor() as threads:
        others = [
            threads.submit(repeat, "hit", lambda: hit(platform, pdq)),
            threads.submit(repeat, "hit", lambda: hit(platform, pdq)),
            threads.submit(
                repeat, "submission", lambda: submit(service.url, random_pdq(next(fresh)))
            ),
        ]
        while time.monotonic() < until:
            asked.note("miss", lambda: miss(platform))
            time.sleep(0.01)
        for each in others:
            each.result()
    return asked


def wait_for_recovery(service: Service, pdq: str, promised: float) -> Asked:
    """Wait until hits and submissions succeed and the service is ready; return all answers."""
    asked, began, within = Asked(), time.monotonic(), BUSY * promised
    with service.client("match") as platform:
        wait_until(lambda: asked.note("hit", lambda: hit(platform, pdq)).status_code == 200, within)
        wait_until(
            lambda: (
                asked.note(
                    "submission", lambda: submit(service.url, random_pdq(next(fresh)))
                ).status_code
                == 201
            ),
            within,
        )
        wait_until(lambda: service.ready()["status"] == "ready", within)
    print(f"recovered after {time.monotonic() - began:.1f} s; {promised:g} s are promised")
    return asked


def check_outage(
    service: Service,
    start: Callable[[], None],
    end: Callable[[], None],
    *,
    seconds: float,
    promised: float,
) -> None:
    """Make PostgreSQL unavailable for a time, and check every answer during and after it."""
    pdq, late = random_pdq(next(fresh)), random_pdq(next(fresh))
    submit(service.url, pdq).raise_for_status()
    service.wait_in_step()
    with service.client("match") as platform, ThreadPoolExecutor(6) as threads:
        # Fill the pool, so that the outage breaks several connections.
        list(threads.map(lambda _: hit(platform, pdq).raise_for_status(), range(24)))
    start()
    try:
        asked = request_during_outage(service, pdq, seconds)
    finally:
        end()
    after = wait_for_recovery(service, pdq, promised)
    submit(service.url, late).raise_for_status()
    with service.client("match") as platform:
        wait_until(lambda: len(hit(platform, late).json().get("hits", [])) == 1, within=2)
    assert asked.statuses("miss") == {200}
    assert asked.most("miss") < USUAL
    assert asked.statuses("hit") == asked.statuses("submission") == {503}
    assert max(asked.slowest("hit"), asked.slowest("submission")) < QUICKLY
    assert after.statuses("hit") | after.statuses("submission") <= {200, 201, 503}


@contextmanager
def served(url: str, workers: int) -> Iterator[Service]:
    """A service of one worker in this process, or of several in their own."""
    if workers == 1:
        with serving(url) as service:
            yield service
        return
    port = free_port()
    service = Service(f"http://127.0.0.1:{port}", url)
    with scratch_folder() as data:
        arguments = ["serve", "--port", str(port), "--workers", str(workers), "--data", str(data)]
        environment = clean_environment(DATABASE_URL=url)
        process = subprocess.Popen(
            [*COMMAND, *arguments], env=environment, stdout=subprocess.DEVNULL
        )
        try:
            wait_until(lambda: all(service.is_ready() for _ in range(8)))
            yield service
        finally:
            process.terminate()
            process.wait(timeout=60)


@pytest.fixture
def seconds(pytestconfig: pytest.Config) -> float:
    return pytestconfig.getoption("chaos_seconds") or SECONDS


@pytest.fixture
def proxy(database_url: str) -> Iterator[Proxy]:
    with Proxy(database_url).running() as proxy:
        yield proxy


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("mode", "promised"), [("cut", 2.0), ("hole", 6.0)], ids=["refuses", "drops"]
)
def test_the_service_survives_a_network_outage(
    proxy: Proxy, mode: Mode, promised: float, workers: int, seconds: float
) -> None:
    def be(mode: Mode) -> Callable[[], None]:
        return lambda: proxy.be(mode)

    with served(proxy.url, workers) as service:
        check_outage(service, be(mode), be("whole"), seconds=seconds, promised=promised)


def test_a_database_that_does_not_answer_is_noticed(proxy: Proxy) -> None:
    """Also in `make test`, with short timeouts: no refused connection reveals this outage."""
    with serving(proxy.url, pool_timeout_ms=200, statement_timeout_ms=300) as service:
        pdq = random_pdq(next(fresh))
        submit(service.url, pdq).raise_for_status()
        service.wait_in_step()
        with service.client("match") as platform:
            assert hit(platform, pdq).status_code == 200
            proxy.be("hole")
            began = time.monotonic()
            assert hit(platform, pdq).status_code == 503
            assert submit(service.url, random_pdq(next(fresh))).status_code == 503
            assert miss(platform).status_code == 200
            assert time.monotonic() - began < QUICKLY
            proxy.be("whole")
            wait_for_recovery(service, pdq, promised=6)


def test_the_follower_waits_no_longer_than_a_request(proxy: Proxy) -> None:
    """So `/readyz` reports an outage as soon as hits are refused because of it."""
    short = {"pool_timeout_ms": 200, "statement_timeout_ms": 300}
    with serving(proxy.url, **short) as service:
        proxy.be("hole")
        began = time.monotonic()
        wait_until(lambda: service.ready()["reasons"])
        assert time.monotonic() - began < 4, (
            "one second is for the heartbeat, the rest for a busy machine"
        )


def test_a_request_that_waits_while_the_database_recovers_is_answered(proxy: Proxy) -> None:
    """It is not refused 2 seconds after the recovery because it began before it."""

    async def query(store: Store) -> None:
        async with store.transaction() as tx:
            await tx.execute("SELECT 1")

    async def run() -> float:
        store = Store(proxy.url, timeout=8)
        await store.open()
        try:
            await query(store)
            proxy.be("cut")
            waiting = asyncio.create_task(query(store))
            await asyncio.sleep(1)
            proxy.be("whole")
            recovered = time.monotonic()
            await waiting
            return time.monotonic() - recovered
        finally:
            await store.close()

    assert asyncio.run(run()) < 2


class OwnPostgres:
    """A PostgreSQL server that can be frozen and thawed, stopped and started."""

    def __init__(self, folder: Path) -> None:
        self.server = EmbeddedPostgres(folder)
        self.url = self.server.start()
        migrate(self.url)

    def _signal(self, signum: signal.Signals) -> None:
        assert self.server._process
        head = psutil.Process(self.server._process.pid)
        for each in [head, *head.children(recursive=True)]:
            each.send_signal(signum)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        self.server.stop()

    def start(self) -> None:
        self.server.start()


@pytest.fixture
def own_postgres() -> Iterator[OwnPostgres]:
    with scratch_folder() as folder, ExitStack() as stack:
        postgres = OwnPostgres(folder)
        stack.callback(postgres.stop)
        yield postgres


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(("begin", "end"), [("freeze", "thaw"), ("stop", "start")])
def test_the_service_survives_a_database_outage(
    own_postgres: OwnPostgres, begin: str, end: str, workers: int, seconds: float
) -> None:
    with served(own_postgres.url, workers) as service:
        check_outage(
            service,
            getattr(own_postgres, begin),
            getattr(own_postgres, end),
            seconds=seconds,
            promised=2.0,
        )


@pytest.mark.slow
def test_a_service_stops_while_postgresql_is_frozen(own_postgres: OwnPostgres) -> None:
    with serving(own_postgres.url, pool_timeout_ms=300, statement_timeout_ms=500) as service:
        with service.client("match") as platform:
            assert miss(platform).status_code == 200
        own_postgres.freeze()
        began = time.monotonic()
    took = time.monotonic() - began
    own_postgres.thaw()  # or the fixture could not stop it
    assert took < QUICKLY


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["cut", "hole"], ids=["refuses", "drops"])
def test_one_of_two_hosts_loses_the_database(database_url: str, proxy: Proxy, mode: Mode) -> None:
    """It answers misses only, and never returns a withdrawn hash; the other host is unaffected."""
    short = {"stale_after_ms": 1_500, "pool_timeout_ms": 300, "statement_timeout_ms": 600}
    with serving(database_url) as here, serving(proxy.url, **short) as there:
        kept, gone, late = (random_pdq(next(fresh)) for _ in range(3))
        submit(here.url, kept).raise_for_status()
        case = submit(here.url, gone).json()["case"]
        there.wait_in_step()
        with there.client("match") as cut_off, here.client("match") as whole:
            assert len(hit(cut_off, gone).json()["hits"]) == 1
            proxy.be(mode)
            withdraw(here.url, case)
            submit(here.url, late).raise_for_status()
            assert hit(whole, gone).json()["hits"] == []
            for _ in range(3):
                assert miss(cut_off).json()["hits"] == []
                assert hit(cut_off, gone).status_code == 503, "it has not heard of the withdrawal"
                assert hit(cut_off, kept).status_code == 503
                assert len(hit(whole, kept).json()["hits"]) == 1
            wait_until(lambda: there.ready()["reasons"], within=4)
            assert here.ready()["status"] == "ready"

            proxy.be("whole")
            wait_until(lambda: there.ready()["status"] == "ready", within=6)
            there.wait_in_step()
            assert hit(cut_off, gone).json()["hits"] == []
            wait_until(lambda: len(hit(cut_off, late).json().get("hits", [])) == 1, within=4)


@pytest.mark.slow
def test_a_host_that_loses_the_database_does_not_block_others(
    database_url: str, proxy: Proxy
) -> None:
    """PostgreSQL drops a connection that vanished while it held the change log's lock."""
    from unseen_service.store.connection import conninfo  # noqa: PLC0415

    with serving(database_url) as here:
        vanished = psycopg.connect(conninfo(proxy.url))
        vanished.execute("SELECT position FROM change_head FOR UPDATE")
        proxy.be("hole")
        began = time.monotonic()
        wait_until(lambda: submit(here.url, random_pdq(next(fresh))).status_code == 201)
        assert time.monotonic() - began < 6
        vanished.close()


def test_a_hash_that_one_host_acknowledges_matches_on_another_within_a_second(
    database_url: str,
) -> None:
    with (
        serving(database_url) as here,
        serving(database_url) as there,
        there.client("match") as platform,
    ):
        for _ in range(5):
            pdq = random_pdq(next(fresh))
            submit(here.url, pdq).raise_for_status()
            wait_until(lambda pdq=pdq: hit(platform, pdq).json()["hits"], within=1)
