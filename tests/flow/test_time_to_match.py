"""The time from the acknowledgement of a submission until its hash matches on every worker.

`--matchable-hashes` sets how many other hashes there are, `--matchable-rounds` how many submissions
are timed. The kernel picks the worker per connection, so the test opens connections until
it has one to every worker.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import numpy as np
import psutil
import pytest

from tests.support.disks import scratch_folder
from tests.support.hashes import random_pdq
from tests.support.processes import serve_process
from tests.support.running_service import RunningService
from tests.support.stored_hashes import insert_active
from tests.support.submissions import submission
from tests.support.worker_connections import connect_to_each_worker

HASHES = 20_000
ROUNDS = 100
WORKERS = 2


@contextmanager
def served(url: str) -> Iterator[tuple[RunningService, psutil.Process]]:
    free_work = {"UNSEEN_WORK_FREE_HASHES_PER_MINUTE": "100000000"}
    with (
        scratch_folder() as data,
        serve_process(data, database_url=url, workers=WORKERS, within=300, **free_work) as service,
    ):
        yield service, psutil.Process(service.process.pid)


@pytest.mark.slow
def test_an_acknowledged_hash_soon_matches_on_every_worker(
    database_url: str, pytestconfig: pytest.Config
) -> None:
    hashes = pytestconfig.getoption("matchable_hashes") or HASHES
    rounds = pytestconfig.getoption("matchable_rounds") or ROUNDS
    insert_active(database_url, hashes)
    seconds: list[float] = []
    with (
        served(database_url) as (service, supervisor),
        connect_to_each_worker(service, supervisor) as workers,
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
