"""PostgreSQL goes away: refuses, is frozen, or is behind a network that swallows everything.

`--chaos-seconds` is how long each outage lasts.
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
import psycopg
import pytest
from unseen_service.embedded_postgres import EmbeddedPostgres
from unseen_service.store import Store, migrate

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


def held_out(service: RunningService, pdq: str, seconds: float) -> RequestLog:
    """Ask throughout an outage: misses one after the other, meanwhile hits and submissions."""
    asked, until = RequestLog(), time.monotonic() + seconds

    def waiting(what: str, question: Callable[[], httpx.Response]) -> None:
        while time.monotonic() < until:
            asked.note(what, question)

    with service.client("match") as platform, ThreadPoolExecutor() as threads:
        others = [
            threads.submit(waiting, "hit", lambda: look_up(platform, pdq)),
            threads.submit(waiting, "hit", lambda: look_up(platform, pdq)),
            threads.submit(waiting, "submission", lambda: post_hashes(service, new_pdq())),
        ]
        while time.monotonic() < until:
            asked.note("miss", lambda: look_up_miss(platform))
            time.sleep(0.01)
        for each in others:
            each.result()
    return asked


def found_its_way_back(service: RunningService, pdq: str, promised: float) -> RequestLog:
    """Ask until hits and submissions are answered again; note everything on the way."""
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
    print(f"well again after {time.monotonic() - began:.1f} s; {promised:g} are promised")
    return asked


def goes_through(
    service: RunningService,
    away: Callable[[], None],
    back: Callable[[], None],
    *,
    seconds: float,
    promised: float,
) -> None:
    """Have PostgreSQL go away and come back, and hold every answer to what is promised."""
    pdq, late = new_pdq(), new_pdq()
    post_hashes(service, pdq).raise_for_status()
    service.wait_in_step()
    with service.client("match") as platform, ThreadPoolExecutor(6) as threads:
        # Several connections are in the pool, so that several are dead later.
        list(threads.map(lambda _: look_up(platform, pdq).raise_for_status(), range(24)))
    away()
    try:
        asked = held_out(service, pdq, seconds)
    finally:
        back()
    after = found_its_way_back(service, pdq, promised)
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
@pytest.mark.parametrize(("mode", "promised"), [("refuse", 2.0), ("blackhole", 6.0)])
def test_the_network_fails_and_comes_back(
    database_proxy: TcpProxy, mode: Mode, promised: float, workers: int, seconds: float
) -> None:
    def set_mode(mode: Mode) -> Callable[[], None]:
        return lambda: database_proxy.set_mode(mode)

    with served(database_proxy.url, workers) as service:
        goes_through(
            service, set_mode(mode), set_mode("forward"), seconds=seconds, promised=promised
        )


def test_a_server_that_says_nothing_is_noticed(database_proxy: TcpProxy) -> None:
    """The outage that no refusal tells of, once with little patience."""
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
            found_its_way_back(service, pdq, promised=6)


def test_a_listener_has_no_more_patience_than_a_request(database_proxy: TcpProxy) -> None:
    """So `/readyz` tells of a silence as soon as hits are refused for it."""
    short = {"pool_timeout_ms": 200, "statement_timeout_ms": 300}
    with serving(database_proxy.url, **short) as service:
        database_proxy.set_mode("blackhole")
        began = time.monotonic()
        wait_until(lambda: service.ready()["reasons"])
        assert time.monotonic() - began < 4, "one second for the heartbeat, and some for us"


def test_who_waits_while_the_server_comes_back_need_not_ask_again(database_proxy: TcpProxy) -> None:
    """Else whoever asked in its last moment away is refused 2 seconds after it is back."""

    async def asked(store: Store) -> None:
        async with store.transaction() as tx:
            await tx.execute("SELECT 1")

    async def run() -> float:
        store = Store(database_proxy.url, timeout=8)
        await store.open()
        try:
            await asked(store)
            database_proxy.set_mode("refuse")
            waiting = asyncio.create_task(asked(store))
            await asyncio.sleep(1)
            database_proxy.set_mode("forward")
            back = time.monotonic()
            await waiting
            return time.monotonic() - back
        finally:
            await store.close()

    assert asyncio.run(run()) < 2


class OwnPostgres:
    """A server that may be frozen, and stopped and started."""

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
@pytest.mark.parametrize(("away", "back"), [("freeze", "thaw"), ("stop", "start")])
def test_the_server_goes_and_comes_back(
    own_postgres: OwnPostgres, away: str, back: str, workers: int, seconds: float
) -> None:
    go, come = getattr(own_postgres, away), getattr(own_postgres, back)
    with served(own_postgres.url, workers) as service:
        goes_through(service, go, come, seconds=seconds, promised=2.0)


@pytest.mark.slow
def test_a_service_stops_while_postgresql_is_frozen(own_postgres: OwnPostgres) -> None:
    with serving(own_postgres.url, pool_timeout_ms=300, statement_timeout_ms=500) as service:
        with service.client("match") as platform:
            assert look_up_miss(platform).status_code == 200
        own_postgres.freeze()
        began = time.monotonic()
    assert time.monotonic() - began < NOTICED_WITHIN_S
    own_postgres.thaw()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["refuse", "blackhole"])
def test_of_two_hosts_one_is_cut_off(
    database_url: str, database_proxy: TcpProxy, mode: Mode
) -> None:
    """It answers what it can be sure of, and never a withdrawn hit; the other is as ever."""
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
                assert look_up(cut_off, gone).status_code == 503, "it may not say that it is there"
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
def test_a_host_that_is_cut_off_holds_nobody_up(
    database_url: str, database_proxy: TcpProxy
) -> None:
    """A session that vanished with the change log's lock in its hands is given up."""
    from unseen_service.store.connection import conninfo  # noqa: PLC0415

    with serving(database_url) as here:
        vanished = psycopg.connect(conninfo(database_proxy.url))
        vanished.execute("SELECT position FROM change_head FOR UPDATE")
        database_proxy.set_mode("blackhole")
        began = time.monotonic()
        wait_until(lambda: post_hashes(here, new_pdq()).status_code == 201)
        assert time.monotonic() - began < 6
        vanished.close()


def test_what_one_host_acknowledges_another_matches_within_a_second(
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
