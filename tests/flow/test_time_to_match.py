"""The time from the acknowledgement of a submission until its hash matches on every worker.

`--matchable-hashes` sets how many other hashes there are, `--matchable-rounds` how many submissions
are timed. The kernel picks the worker for each connection, so the test opens connections until it
has one to every worker.
"""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import httpx
import numpy as np
import psutil
import psycopg
import pytest

from tests.environment import clean_environment
from tests.flow.test_process_faults import is_worker
from tests.service.test_cli import COMMAND
from tests.support import Service, free_port, random_pdq, scratch_folder, submission, wait_until

Inside = Callable[[], AbstractContextManager[None]]

HASHES = 20_000
ROUNDS = 100
WORKERS = 2


def insert_hashes(url: str, count: int) -> None:
    """Insert active hashes that belong to no case: they are searched, but never returned."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO hashes (pdq, active)"
            " SELECT sha256(n::text::bytea), true FROM generate_series(1, %s::integer) AS n",
            (count,),
        )


@contextmanager
def served(url: str) -> Iterator[tuple[Service, psutil.Process]]:
    port = free_port()
    service = Service(f"http://127.0.0.1:{port}", url)
    arguments = ["serve", "--port", str(port), "--workers", str(WORKERS)]
    environment = clean_environment(
        DATABASE_URL=url, UNSEEN_WORK_FREE_HASHES_PER_MINUTE="100000000"
    )
    with scratch_folder() as data:
        command = [*COMMAND, *arguments, "--data", str(data)]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            wait_until(lambda: all(service.is_ready() for _ in range(6)), within=300)
            yield service, psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(timeout=60)


def worker_of(
    client: httpx.Client, workers: list[psutil.Process], known: set[int], inside: Inside
) -> int:
    """Find which worker holds the other end of a client's only connection; `known`: of others."""
    client.get("/healthz").raise_for_status()
    (port,) = {
        each.laddr.port
        for each in psutil.Process().net_connections("tcp")
        if each.status == psutil.CONN_ESTABLISHED
        and each.raddr == (client.base_url.host, client.base_url.port)
    } - known
    known.add(port)
    with inside():
        (worker,) = (
            worker.pid
            for worker in workers
            if port in {each.raddr.port for each in worker.net_connections("tcp") if each.raddr}
        )
    return worker


@contextmanager
def one_line_to_each(
    service: Service, supervisor: psutil.Process, inside: Inside = nullcontext
) -> Iterator[list[httpx.Client]]:
    """Give a client for each worker, with one connection that is kept.

    The workers' ends are seen only `inside` the network that they are in.
    """
    workers = [each for each in supervisor.children() if is_worker(each)]
    assert len(workers) == WORKERS
    met: dict[int, httpx.Client] = {}
    key = service.key("match")
    opened: list[httpx.Client] = []
    known: set[int] = set()
    while len(met) < WORKERS:
        assert len(opened) < 200, "one worker is given no connection"
        client = httpx.Client(
            base_url=service.url,
            headers={"Authorization": f"Bearer {key}"},
            limits=httpx.Limits(max_connections=1, keepalive_expiry=60),
        )
        opened.append(client)
        met.setdefault(worker_of(client, workers, known, inside), client)
    try:
        yield list(met.values())
    finally:
        for client in opened:
            client.close()


@pytest.mark.slow
def test_an_acknowledged_hash_soon_matches_on_every_worker(
    database_url: str, pytestconfig: pytest.Config
) -> None:
    hashes = pytestconfig.getoption("matchable_hashes") or HASHES
    rounds = pytestconfig.getoption("matchable_rounds") or ROUNDS
    insert_hashes(database_url, hashes)
    seconds: list[float] = []
    with (
        served(database_url) as (service, supervisor),
        one_line_to_each(service, supervisor) as workers,
        httpx.Client(base_url=service.url) as person,
    ):
        for number in range(rounds):
            pdq = random_pdq(number)
            person.post("/v1/cases", json=submission(pdq)).raise_for_status()
            acknowledged = time.monotonic()
            missing = list(workers)
            while missing:
                answers = [each.post("/v1/match", json={"hashes": [pdq]}) for each in missing]
                missing = [
                    each
                    for each, answer in zip(missing, answers, strict=True)
                    if not answer.raise_for_status().json()["hits"]
                ]
                assert time.monotonic() - acknowledged < 5
            seconds.append(time.monotonic() - acknowledged)
    p50, p99, most = 1_000 * np.percentile(seconds, [50, 99, 100])
    print(
        f"{hashes} hashes, {WORKERS} workers: matched on all after {p50:.0f} ms (p50),"
        f" {p99:.0f} ms (p99), {most:.0f} ms (maximum), including a lookup on each"
    )
    assert p50 < 250
    assert p99 < 1_000
