"""PostgreSQL refuses connections, hangs, or is behind a network that drops everything.

`--chaos-seconds` sets how long each outage lasts.
"""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from unseen_service.embedded_postgres import EmbeddedPostgres
from unseen_service.store import Store, migrate

from tests.support.databases import service_session
from tests.support.disks import scratch_folder
from tests.support.hashes import new_pdq
from tests.support.outage_requests import (
    BUSY_FACTOR,
    MISS_WITHIN_S,
    NOTICED_WITHIN_S,
    RequestLog,
    look_up,
    look_up_miss,
)
from tests.support.processes import serve_process
from tests.support.running_service import RunningService, serving
from tests.support.submissions import post_hashes, withdraw
from tests.support.tcp_proxy import Mode, TcpProxy
from tests.support.waiting import wait_until

SECONDS = 3.0


def request_during_outage(service: RunningService, pdq: str, seconds: float) -> RequestLog:
    """Look up misses one after the other, while threads look up hits and submit."""
    asked, until = RequestLog(), time.monotonic() + seconds

    def repeat(what: str, question: Callable[[], httpx.Response]) -> None:
        while time.monotonic() < until:
            asked.note(what, question)

    with service.client("match") as platform, ThreadPoolExecutor() as threads:
        others = [
            threads.submit(repeat, "hit", lambda: look_up(platform, pdq)),
            threads.submit(repeat, "hit", lambda: look_up(platform, pdq)),
            threads.submit(repeat, "submission", lambda: post_hashes(service, new_pdq())),
        ]
        while time.monotonic() < until:
            asked.note("miss", lambda: look_up_miss(platform))
            time.sleep(0.01)
        for each in others:
            each.result()
    return asked


def wait_for_recovery(service: RunningService, pdq: str, promised: float) -> RequestLog:
    """Wait until hits and submissions succeed and the service is ready; return all answers."""
    asked, began, within = RequestLog(), time.monotonic(), BUSY_FACTOR * promised
    with service.client("match") as platform:
        wait_until(
            lambda: asked.note("hit", lambda: look_up(platform, pdq)).status_code == 200, within
        )
        wait_until(
            lambda: (
                asked.note("submission", lambda: post_hashes(service, new_pdq())).status_code == 201
            ),
            within,
        )
        wait_until(lambda: service.ready()["status"] == "ready", within)
    print(f"recovered after {time.monotonic() - began:.1f} s; {promised:g} s are promised")
    return asked


def check_outage(
    service: RunningService,
    start: Callable[[], None],
    end: Callable[[], None],
    *,
    seconds: float,
    promised: float,
) -> None:
    """Make PostgreSQL unavailable for a time, and check every answer during and after it."""
    pdq, late = new_pdq(), new_pdq()
    post_hashes(service, pdq).raise_for_status()
    service.wait_in_step()
    with service.client("match") as platform, ThreadPoolExecutor(6) as threads:
        # Fill the pool, so that the outage breaks several connections.
        list(threads.map(lambda _: look_up(platform, pdq).raise_for_status(), range(24)))
    start()
    try:
        asked = request_during_outage(service, pdq, seconds)
    finally:
        end()
    after = wait_for_recovery(service, pdq, promised)
    post_hashes(service, late).raise_for_status()
    with service.client("match") as platform:
        wait_until(lambda: len(look_up(platform, late).json().get("hits", [])) == 1, within=2)
    assert asked.statuses("miss") == {200}
    assert asked.most("miss") < MISS_WITHIN_S
    assert asked.statuses("hit") == asked.statuses("submission") == {503}
    assert max(asked.slowest("hit"), asked.slowest("submission")) < NOTICED_WITHIN_S
    assert after.statuses("hit") | after.statuses("submission") <= {200, 201, 503}


@contextmanager
def served(url: str, workers: int) -> Iterator[RunningService]:
    """A service of one worker in this process, or of several in their own."""
    if workers == 1:
        with serving(url) as service:
            yield service
        return
    with (
        scratch_folder() as data,
        serve_process(data, database_url=url, workers=workers) as service,
    ):
        yield service


@pytest.fixture
def seconds(pytestconfig: pytest.Config) -> float:
    return pytestconfig.getoption("chaos_seconds") or SECONDS


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("mode", "promised"), [("refuse", 2.0), ("blackhole", 6.0)], ids=["refuses", "drops"]
)
def test_the_service_survives_a_network_outage(
    database_proxy: TcpProxy, mode: Mode, promised: float, workers: int, seconds: float
) -> None:
    def set_mode(mode: Mode) -> Callable[[], None]:
        return lambda: database_proxy.set_mode(mode)

    with served(database_proxy.url, workers) as service:
        check_outage(
            service, set_mode(mode), set_mode("forward"), seconds=seconds, promised=promised
        )


def test_a_database_that_does_not_answer_is_noticed(database_proxy: TcpProxy) -> None:
    """Also in `make test`, with short timeouts: no refused connection reveals this outage."""
    with serving(database_proxy.url, pool_timeout_ms=200, statement_timeout_ms=300) as service:
        pdq = new_pdq()
        post_hashes(service, pdq).raise_for_status()
        service.wait_in_step()
        with service.client("match") as platform:
            assert look_up(platform, pdq).status_code == 200
            database_proxy.set_mode("blackhole")
            began = time.monotonic()
            assert look_up(platform, pdq).status_code == 503
            assert post_hashes(service, new_pdq()).status_code == 503
            assert look_up_miss(platform).status_code == 200
            assert time.monotonic() - began < NOTICED_WITHIN_S
            database_proxy.set_mode("forward")
            wait_for_recovery(service, pdq, promised=6)


def test_the_follower_waits_no_longer_than_a_request(database_proxy: TcpProxy) -> None:
    """So `/readyz` reports an outage as soon as hits are refused because of it."""
    short = {"pool_timeout_ms": 200, "statement_timeout_ms": 300}
    with serving(database_proxy.url, **short) as service:
        database_proxy.set_mode("blackhole")
        began = time.monotonic()
        wait_until(lambda: service.ready()["reasons"])
        assert time.monotonic() - began < 4, (
            "one second is for the heartbeat, the rest for a busy machine"
        )


def test_a_request_that_waits_while_the_database_recovers_is_answered(
    database_proxy: TcpProxy,
) -> None:
    """It is not refused 2 seconds after the recovery because it began before it."""

    async def query(store: Store) -> None:
        async with store.transaction() as tx:
            await tx.execute("SELECT 1")

    async def run() -> float:
        store = Store(database_proxy.url, timeout=8)
        await store.open()
        try:
            await query(store)
            database_proxy.set_mode("refuse")
            waiting = asyncio.create_task(query(store))
            await asyncio.sleep(1)
            database_proxy.set_mode("forward")
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
            assert look_up_miss(platform).status_code == 200
        own_postgres.freeze()
        began = time.monotonic()
    took = time.monotonic() - began
    own_postgres.thaw()  # or the fixture could not stop it
    assert took < NOTICED_WITHIN_S


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["refuse", "blackhole"], ids=["refuses", "drops"])
def test_one_of_two_hosts_loses_the_database(
    database_url: str, database_proxy: TcpProxy, mode: Mode
) -> None:
    """It answers misses only, and never returns a withdrawn hash; the other host is unaffected."""
    short = {"stale_after_ms": 1_500, "pool_timeout_ms": 300, "statement_timeout_ms": 600}
    with serving(database_url) as here, serving(database_proxy.url, **short) as there:
        kept, gone, late = (new_pdq() for _ in range(3))
        post_hashes(here, kept).raise_for_status()
        case = post_hashes(here, gone).json()
        there.wait_in_step()
        with there.client("match") as cut_off, here.client("match") as whole:
            assert len(look_up(cut_off, gone).json()["hits"]) == 1
            database_proxy.set_mode(mode)
            withdraw(here, case)
            post_hashes(here, late).raise_for_status()
            assert look_up(whole, gone).json()["hits"] == []
            for _ in range(3):
                assert look_up_miss(cut_off).json()["hits"] == []
                assert look_up(cut_off, gone).status_code == 503, (
                    "it has not heard of the withdrawal"
                )
                assert look_up(cut_off, kept).status_code == 503
                assert len(look_up(whole, kept).json()["hits"]) == 1
            wait_until(lambda: there.ready()["reasons"], within=4)
            assert here.ready()["status"] == "ready"

            database_proxy.set_mode("forward")
            wait_until(lambda: there.ready()["status"] == "ready", within=6)
            there.wait_in_step()
            assert look_up(cut_off, gone).json()["hits"] == []
            wait_until(lambda: len(look_up(cut_off, late).json().get("hits", [])) == 1, within=4)


@pytest.mark.slow
def test_a_host_that_loses_the_database_does_not_block_others(
    database_url: str, database_proxy: TcpProxy
) -> None:
    """PostgreSQL drops a connection that vanished while it held the change log's lock."""
    with serving(database_url) as here:
        vanished = service_session(database_proxy.url)
        vanished.execute("SELECT position FROM log_head FOR UPDATE")
        database_proxy.set_mode("blackhole")
        began = time.monotonic()
        wait_until(lambda: post_hashes(here, new_pdq()).status_code == 201)
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
            pdq = new_pdq()
            post_hashes(here, pdq).raise_for_status()
            wait_until(lambda pdq=pdq: look_up(platform, pdq).json()["hits"], within=1)
