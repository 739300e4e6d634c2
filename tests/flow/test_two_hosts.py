"""Two hosts with one PostgreSQL, each in its own network; one loses the database for a time.

Each host runs `unseen-service serve` with its own data folder and the audit key that both share.
Each has two links: one to the database, which the test cuts, and one to the clients, which are in
the database's network.
"""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event

import httpx
import psutil
import psycopg
import pytest
from unseen_service.embedded_postgres import EmbeddedPostgres, server
from unseen_service.store.sql import SQL

from tests.support.databases import service_session
from tests.support.disks import scratch_folder
from tests.support.hashes import new_pdq
from tests.support.network import Link, Namespace, Network
from tests.support.outage_requests import (
    BUSY_FACTOR,
    MISS_WITHIN_S,
    NOTICED_WITHIN_S,
    RequestLog,
    look_up,
    look_up_miss,
)
from tests.support.processes import start_serve, terminating, workers_of
from tests.support.running_service import RunningService
from tests.support.submissions import post_hashes, withdraw
from tests.support.waiting import wait_until
from tests.support.worker_connections import connect_to_each_worker

pytestmark = pytest.mark.root

WORKERS = 2
ROUNDS = 20
PORT = 8000
SETTINGS: tuple[dict[str, str], ...] = (
    {},
    {
        "UNSEEN_STALE_AFTER_MS": "5000",
        "UNSEEN_POOL_TIMEOUT_MS": "500",
        "UNSEEN_STATEMENT_TIMEOUT_MS": "1000",
    },
)
"""One host has the default settings; the one that is cut off has short timeouts."""
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


@dataclass
class Networks:
    """Two networks for hosts, and a third for their database and their clients."""

    hub: Namespace
    hosts: tuple[Namespace, Namespace]
    to_database: tuple[Link, Link]
    to_clients: tuple[Link, Link]
    database_url: str = ""
    """Through the Unix socket, which works from every network."""


@dataclass
class Host:
    """A service on its own host."""

    place: Namespace
    to_database: Link
    database_url: str
    service: RunningService
    process: subprocess.Popen[bytes]

    def is_ready(self) -> bool:
        """Return whether the workers that answer eight connections are ready."""
        return all(self.service.is_ready() for _ in range(8))

    @contextmanager
    def connect_to_each_worker(self) -> Iterator[list[httpx.Client]]:
        """Yield one client for each of its workers."""
        supervisor = psutil.Process(self.process.pid)
        with connect_to_each_worker(self.service, supervisor) as clients:
            yield clients


@pytest.fixture(scope="module")
def networks() -> Iterator[Networks]:
    with Network() as network, scratch_folder() as folder, pytest.MonkeyPatch.context() as patch:
        hub, one, two = (network.add_namespace(name) for name in ("hub", "one", "two"))
        networks = Networks(
            hub,
            (one, two),
            (
                network.add_link("database", one, hub),
                network.add_link("database", two, hub),
            ),
            (
                network.add_link("clients", one, hub),
                network.add_link("clients", two, hub),
            ),
        )
        addresses = ",".join(each.far_address for each in networks.to_database)
        patch.setitem(server.SETTINGS, "listen_addresses", addresses)
        with hub.inside(), EmbeddedPostgres(folder) as postgres:
            networks.database_url = postgres.start()
            allow_hosts(networks.database_url)
            yield networks


def allow_hosts(url: str) -> None:
    """Allow connections from the hosts: by default PostgreSQL allows none from a network."""
    with psycopg.connect(url, autocommit=True) as connection:
        (rules,) = connection.execute("SHOW hba_file").fetchone() or ("",)
        with Path(rules).open("a") as file:
            file.write("host all all 198.18.0.0/15 trust\n")
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="module")
def both(networks: Networks) -> Iterator[tuple[Host, Host]]:
    """Yield two hosts that were started at the same time on an empty database."""
    with scratch_folder() as folder, ExitStack() as stack:
        hosts = [stack.enter_context(started_host(networks, number, folder)) for number in (0, 1)]
        with networks.hub.inside():
            wait_until(lambda: all(each.is_ready() for each in hosts), within=120)
        yield hosts[0], hosts[1]


@pytest.fixture
def hosts(networks: Networks, both: tuple[Host, Host]) -> Iterator[tuple[Host, Host]]:
    """Yield both hosts inside the clients' network: ready, and reconnected after the test."""
    with networks.hub.inside():
        wait_until(lambda: all(each.is_ready() for each in both))
        try:
            yield both
        finally:
            for each in both:
                each.to_database.bring_up()


@contextmanager
def started_host(networks: Networks, number: int, folder: Path) -> Iterator[Host]:
    place, wire = networks.hosts[number], networks.to_database[number]
    address = networks.to_clients[number].near_address
    service = RunningService(f"http://{address}:{PORT}", networks.database_url)
    database_url = f"postgresql://unseen@{wire.far_address}/unseen"
    environment = {
        "DATABASE_URL": database_url,
        "UNSEEN_AUDIT_KEY_FILE": str(folder / "audit.key"),
        "UNSEEN_OPERATOR_ADDRESS": f"0.0.0.0:{PORT + 1_000}",
        "UNSEEN_WORK_FREE_HASHES_PER_MINUTE": "100000000",
        **SETTINGS[number],
    }
    with place.inside():
        process = start_serve(
            folder / str(number), PORT, host=address, workers=WORKERS, environment=environment
        )
    with terminating(process):
        yield Host(place, wire, database_url, service, process)


def is_match(client: httpx.Client, pdq: str) -> bool:
    return len(look_up(client, pdq).raise_for_status().json()["hits"]) == 1


@pytest.mark.slow
def test_a_hash_that_either_acknowledges_matches_on_all_workers(hosts: tuple[Host, Host]) -> None:
    seconds: list[float] = []
    with hosts[0].connect_to_each_worker() as here, hosts[1].connect_to_each_worker() as there:
        for number in range(ROUNDS):
            pdq = new_pdq()
            post_hashes(hosts[number % 2].service, pdq).raise_for_status()
            acknowledged = time.monotonic()
            missing = [*here, *there]
            while missing:
                missing = [each for each in missing if not is_match(each, pdq)]
                assert time.monotonic() - acknowledged < 5
            seconds.append(time.monotonic() - acknowledged)
    seconds.sort()
    print(
        f"matched on every worker of both after {seconds[ROUNDS // 2]:.3f} s (median),"
        f" {seconds[-1]:.3f} s (maximum)"
    )
    assert seconds[-2] < 1, "one in twenty may be late on a busy machine"


@dataclass
class Readiness:
    """How the answers of `/readyz` changed: status and reasons, in order, for each worker."""

    changes: dict[httpx.Client, list[tuple[int, str]]] = field(default_factory=dict)

    def check(self, worker: httpx.Client) -> None:
        answer = worker.get("/readyz")
        state = answer.status_code, " ".join(each["code"] for each in answer.json()["reasons"])
        before = self.changes.setdefault(worker, [])
        if state not in before[-1:]:
            before.append(state)

    def all_are(self, state: tuple[int, str]) -> bool:
        return all(each[-1] == state for each in self.changes.values())


@contextmanager
def meanwhile(*steps: Callable[[], object]) -> Iterator[None]:
    """Repeat each step in a thread of its own until the block ends."""
    over = Event()

    def repeat(step: Callable[[], object]) -> None:
        while not over.wait(0.02):
            step()

    with ThreadPoolExecutor(len(steps)) as threads:
        repeated = [threads.submit(repeat, step) for step in steps]
        try:
            yield
        finally:
            over.set()
        for each in repeated:
            each.result()


@contextmanager
def connections_with_locks(host: Host) -> Iterator[None]:
    """Hold the locks that all writers need in one connection of a host; wait for them in others."""
    locks = [SQL["lock_change_head"], SQL["lock_audit_head"]]
    with ExitStack() as stack:
        connections = []
        with host.place.inside():
            for _ in range(1 + 2 * len(locks)):
                connections.append(service_session(host.database_url))
                stack.callback(connections[-1].close)
        for lock in locks:
            connections[0].execute(lock)
        for number, each in enumerate(connections[1:]):
            each.pgconn.send_query(b"BEGIN; " + locks[number % 2])
            each.pgconn.flush()
        with psycopg.connect(host.service.database_url, autocommit=True) as observer:
            wait_until(lambda: observer.execute(WAITING).fetchone() >= (len(connections) - 1,))
        yield


@pytest.mark.slow
def test_a_host_loses_the_database_and_recovers(hosts: tuple[Host, Host]) -> None:
    """It answers misses only, and never returns a withdrawn hash; the other host is unaffected."""
    here, there = hosts
    kept, gone, late = (new_pdq() for _ in range(3))
    post_hashes(here.service, kept).raise_for_status()
    case = post_hashes(here.service, gone).json()
    asked, unaffected, readiness = RequestLog(), RequestLog(), Readiness()

    def check_worker(worker: httpx.Client) -> None:
        readiness.check(worker)
        asked.note("miss", lambda: look_up_miss(worker))

    def submit_to(host: Host) -> httpx.Response:
        return post_hashes(host.service, new_pdq())

    with (
        there.connect_to_each_worker() as cut_off,
        there.service.client("match") as any_there,
        here.service.client("match") as any_here,
        ExitStack() as stack,
    ):
        wait_until(lambda: all(is_match(each, pdq) for each in cut_off for pdq in (kept, gone)))
        for each in cut_off:
            check_worker(each)
        stack.enter_context(connections_with_locks(there))
        there.to_database.take_down()
        with meanwhile(
            *(partial(check_worker, each) for each in cut_off),
            lambda: asked.note("kept", lambda: look_up(any_there, kept)),
            lambda: asked.note("submission", lambda: submit_to(there)),
            lambda: unaffected.note("kept", lambda: look_up(any_here, kept)),
            lambda: unaffected.note("miss", lambda: look_up_miss(any_here)),
            lambda: unaffected.note("submission", lambda: submit_to(here)),
        ):
            withdraw(here.service, case)
            post_hashes(here.service, late).raise_for_status()
            with meanwhile(lambda: asked.note("gone", lambda: look_up(any_there, gone))):
                wait_until(lambda: readiness.all_are((503, "stale")), within=15)

        there.to_database.bring_up()
        wait_until(there.is_ready, within=6 * BUSY_FACTOR)
        assert not any(is_match(each, gone) for each in cut_off)
        wait_until(lambda: all(is_match(each, late) for each in cut_off), within=2 * BUSY_FACTOR)

    assert unaffected.statuses("kept") == unaffected.statuses("miss") == {200}
    assert unaffected.statuses("submission") == {201}
    assert asked.statuses("miss") == {200}
    assert asked.most("miss") < MISS_WITHIN_S
    assert asked.statuses("kept") == asked.statuses("gone") == asked.statuses("submission") == {503}
    assert max(asked.slowest(each) for each in asked.answers) < NOTICED_WITHIN_S
    for each in readiness.changes.values():
        assert each == [(200, ""), (200, "cut-off"), (503, "stale")]


@dataclass
class Lookup:
    """A lookup on its own connection: when it began, and the status of its answer (0: none)."""

    began: float
    status: int


def look_up_until(over: Event, url: str, headers: dict[str, str]) -> list[Lookup]:
    """Look up one miss after the other until an event is set."""
    done: list[Lookup] = []
    while not over.is_set():
        began = time.monotonic()
        try:
            query = {"hashes": [new_pdq()]}
            answer = httpx.post(f"{url}/v1/match", json=query, headers=headers, timeout=60)
            done.append(Lookup(began, answer.status_code))
        except httpx.TransportError:
            done.append(Lookup(began, 0))
    return done


def all_have_connections(host: Host) -> bool:
    """Return whether each worker has a client's connection at this moment."""
    workers = workers_of(host.process)
    with host.place.inside():
        connections = [each.net_connections("tcp") for each in workers]
    accepted = [
        [each for each in of_worker if each.laddr.port == PORT and each.raddr]
        for of_worker in connections
    ]
    return len(workers) == WORKERS and all(accepted)


@contextmanager
def lookups(url: str, headers: dict[str, str], threads: int) -> Iterator[list[Lookup]]:
    """Look up in several threads until the block ends; the list is filled at its end."""
    over, done = Event(), list[Lookup]()
    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(look_up_until, over, url, headers) for _ in range(threads)]
        try:
            yield done
        finally:
            over.set()
        for each in running:
            done.extend(each.result())


@pytest.mark.slow
def test_only_requests_in_flight_on_a_killed_worker_fail(hosts: tuple[Host, Host]) -> None:
    """Its replacement accepts no request before it has loaded."""
    here, there = hosts
    headers = {"Authorization": f"Bearer {here.service.key('match')}"}
    with (
        lookups(there.service.url, headers, 2) as on_other_host,
        lookups(here.service.url, headers, 4) as on_this_host,
    ):
        time.sleep(1)
        killed_at = time.monotonic()
        workers_of(here.process)[0].kill()
        wait_until(lambda: all_have_connections(here))
        time.sleep(1)
    assert {each.status for each in on_other_host} == {200}
    failed = [each for each in on_this_host if each.status != 200]
    assert len(failed) <= 4 < len(on_this_host)
    assert {each.status for each in failed} <= {0}
    assert all(each.began < killed_at + 0.5 for each in failed)


@pytest.mark.slow
def test_replacing_all_workers_fails_no_request(hosts: tuple[Host, Host]) -> None:
    """As for an upgrade: each new worker accepts requests once it has loaded."""
    here, _ = hosts
    before = workers_of(here.process)
    headers = {"Authorization": f"Bearer {here.service.key('match')}"}
    with lookups(here.service.url, headers, 4) as done:
        here.process.send_signal(signal.SIGHUP)
        wait_until(lambda: not set(before) & set(workers_of(here.process)))
        wait_until(lambda: all_have_connections(here))
        time.sleep(1)
    assert {each.status for each in done} == {200}
