"""Processes are killed under a running service, as a bad day would do it."""

import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.support.cli import run
from tests.support.disks import fill_disk, mounted_disk
from tests.support.hashes import Hashes, neighbours, random_hashes, random_pdq
from tests.support.ports import free_port
from tests.support.processes import is_postmaster, serve_process, workers_of
from tests.support.submissions import submission
from tests.support.waiting import wait_until

PORT = free_port()
URL = f"http://127.0.0.1:{PORT}"


@contextmanager
def served(data: Path, workers: int = 2, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    with serve_process(data, port=PORT, workers=workers, **settings) as service:
        yield service.process


def ready() -> bool:
    try:
        return httpx.get(f"{URL}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_a_killed_worker_is_replaced_and_the_others_go_on(data_directory: Path) -> None:
    with served(data_directory) as process:
        key, pdq = key_in(data_directory), random_pdq(1)
        assert httpx.post(f"{URL}/v1/cases", json=submission(pdq)).status_code == 201
        wait_until(lambda: all(asked(httpx, key, pdq) == FOUND for _ in range(8)))
        killed, kept = workers_of(process)
        killed.kill()
        wait_until(lambda: len(workers_of(process)) == 2 and killed not in workers_of(process))
        assert kept in workers_of(process)
        wait_until(lambda: all(asked(httpx, key, pdq) == FOUND for _ in range(8)))


FOUND = "found"


def key_in(data: Path) -> str:
    """Issue a key for look-ups."""
    return run("keys", "issue", "Example", "--scope", "match", "--data", str(data)).stdout.strip()


def asked(client: Any, key: str, pdq: str) -> str:
    """Look a hash up, with a client or httpx itself; say what came of it."""
    headers = {"Authorization": f"Bearer {key}"}
    try:
        answer = client.post(f"{URL}/v1/match", json={"hashes": [pdq]}, headers=headers)
    except httpx.TransportError as error:
        return type(error).__name__
    found = answer.status_code == 200 and len(answer.json()["hits"]) == 1
    return FOUND if found else f"{answer.status_code}"


class Stream:
    """Look-ups from several threads, each on a new connection, and what came of them.

    Of one that is kept, a worker that goes and one that comes could be met by nobody.
    """

    THREADS = 6

    def __init__(self, key: str, pdq: str) -> None:
        self._key, self._pdq = key, pdq
        self._ended = threading.Event()
        self.answers: Counter[str] = Counter()

    @contextmanager
    def running(self) -> Iterator[None]:
        with ThreadPoolExecutor(self.THREADS) as threads:
            asking = [threads.submit(self._ask) for _ in range(self.THREADS)]
            try:
                yield
            finally:
                self._ended.set()
        for each in asking:
            self.answers += each.result()

    def _ask(self) -> Counter[str]:
        answers: Counter[str] = Counter()
        limits = httpx.Limits(max_keepalive_connections=0)
        with httpx.Client(limits=limits, timeout=60) as client:
            while not self._ended.is_set():
                answers[asked(client, self._key, self._pdq)] += 1
        return answers


@pytest.mark.slow
@pytest.mark.parametrize("how", ["one is killed", "all are replaced"])
def test_no_request_fails_but_what_a_killed_worker_had_in_hand(
    data_directory: Path, how: str
) -> None:
    """A new worker takes no request before it can answer; one that ends answers what it has."""
    with served(data_directory) as process:
        key, pdq = key_in(data_directory), random_pdq(1)
        assert httpx.post(f"{URL}/v1/cases", json=submission(pdq)).status_code == 201
        wait_until(lambda: all(asked(httpx, key, pdq) == FOUND for _ in range(8)))
        stream, before = Stream(key, pdq), workers_of(process)
        gone = set(before[:1] if how == "one is killed" else before)
        with stream.running():
            time.sleep(0.5)
            if how == "one is killed":
                before[0].kill()
            else:
                process.send_signal(signal.SIGHUP)
            wait_until(
                lambda: len(workers_of(process)) == 2 and not gone & set(workers_of(process)),
                within=90,
            )
            # What the last of them would refuse while it loads, it refuses now.
            time.sleep(5)
        assert stream.answers.pop(FOUND) > 100
        if how == "one is killed":
            assert set(stream.answers) <= {"ReadError", "RemoteProtocolError", "WriteError"}
            assert stream.answers.total() <= Stream.THREADS
        else:
            assert stream.answers == Counter()


@pytest.mark.slow
def test_the_database_s_user_is_replaced_without_a_stop(
    database_url: str, data_directory: Path
) -> None:
    """As docs/operate.md says: two of them for a while, and a file that names first one of them."""
    with psycopg.connect(database_url, autocommit=True) as admin, ExitStack() as stack:
        for name in "first", "second":
            admin.execute(f"CREATE ROLE {name} LOGIN SUPERUSER")  # type: ignore[call-overload]
            stack.callback(admin.execute, f"DROP ROLE {name}")

        def users() -> set[str]:
            found = admin.execute(
                "SELECT usename FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND backend_type = 'client backend'"
            )
            return {name for (name,) in found}

        named = stack.enter_context(tempfile.NamedTemporaryFile("w"))
        Path(named.name).write_text(make_conninfo(database_url, user="first"))
        with served(data_directory, DATABASE_URL_FILE=named.name) as process:
            before = workers_of(process)
            assert users() == {"first"}
            Path(named.name).write_text(make_conninfo(database_url, user="second") + "\n")
            process.send_signal(signal.SIGHUP)
            wait_until(lambda: not set(before) & set(workers_of(process)), within=90)
            assert httpx.post(f"{URL}/v1/cases", json=submission(random_pdq(1))).status_code == 201
            wait_until(lambda: users() == {"second"})


def test_a_killed_supervisor_leaves_nothing_behind_and_starts_again(data_directory: Path) -> None:
    pdq = random_pdq(1)
    with served(data_directory) as process:
        assert httpx.post(f"{URL}/v1/cases", json=submission(pdq)).status_code == 201
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        _, alive = psutil.wait_procs(family, timeout=60)
        assert alive == []
    with served(data_directory):
        # The other worker may have less than the one that was ready first, until it is so too.
        answers: list[httpx.Response] = []
        wait_until(lambda: answers.append(httpx.get(f"{URL}/readyz")) or answers[-1].is_success)
        assert answers[-1].json()["hashes"] == 1


def submitted(pdq: str) -> bool:
    """Submit a hash; say whether it was acknowledged, or refused for now."""
    answer = httpx.post(f"{URL}/v1/cases", json=submission(pdq), timeout=60)
    assert answer.status_code in (201, 503)
    return answer.status_code == 201


@pytest.mark.slow
def test_a_killed_postgresql_is_started_again(data_directory: Path) -> None:
    with served(data_directory) as process:
        for number in range(3):
            wait_until(lambda number=number: submitted(random_pdq(number)))
            (postmaster,) = (
                each for each in psutil.Process(process.pid).children() if is_postmaster(each)
            )
            postmaster.kill()
            wait_until(lambda: submitted(random_pdq(9)))
            # Each worker finds its own way back, and which one answers is chance.
            wait_until(lambda: all(submitted(random_pdq(9)) for _ in range(8)))
        wait_until(lambda: httpx.get(f"{URL}/readyz").json()["hashes"] == 4)


@pytest.mark.slow
def test_a_worker_that_hangs_is_replaced_and_the_others_go_on(data_directory: Path) -> None:
    with served(data_directory) as process:
        key, pdq = key_in(data_directory), random_pdq(1)
        assert submitted(pdq)
        wait_until(lambda: all(asked(httpx, key, pdq) == FOUND for _ in range(8)))
        hung, other = workers_of(process)
        hung.suspend()
        wait_until(lambda: len(workers_of(process)) == 2 and hung not in workers_of(process))
        assert other in workers_of(process)
        wait_until(lambda: all(asked(httpx, key, pdq) == FOUND for _ in range(8)))


@pytest.fixture
def small_disk(data_directory: Path) -> Iterator[Path]:
    """A data folder that is a file system of 1 MiB."""
    with mounted_disk(data_directory, mib=1) as folder:
        yield folder


@pytest.mark.slow
@pytest.mark.root
def test_a_full_disk_ends_no_worker(database_url: str, small_disk: Path) -> None:
    """Also one that is only started then: what it counts is not on that disk."""
    with served(small_disk, DATABASE_URL=database_url) as process:
        fill_disk(small_disk)
        for each in workers_of(process):
            each.kill()
            wait_until(
                lambda each=each: len(workers_of(process)) == 2 and each not in workers_of(process)
            )
        wait_until(lambda: all(ready() for _ in range(8)))
        begun = workers_of(process)
        assert httpx.post(f"{URL}/v1/cases", json=submission(random_pdq(1))).status_code == 201
        wait_until(lambda: httpx.get(f"{URL}/readyz").json()["hashes"] == 1)
        wait_until(lambda: "unseen_index_hashes 1.0" in httpx.get(f"{URL}/metrics").text)
        assert workers_of(process) == begun


@pytest.mark.slow
@pytest.mark.root
def test_a_full_disk_under_postgresql_loses_nothing_and_misses_are_answered(
    data_directory: Path,
) -> None:
    pdqs = (random_pdq(number) for number in count())
    with mounted_disk(data_directory, mib=160) as disk:
        disk.chmod(0o755)
        with served(disk):
            key, kept = key_in(disk), [next(pdqs)]
            assert submitted(kept[0])
            wait_until(lambda: all(asked(httpx, key, kept[0]) == FOUND for _ in range(8)))
            filler = fill_disk(disk)
            refused, deadline = 0, time.monotonic() + 120
            while refused < 20:
                assert time.monotonic() < deadline, "what is there already has room for all that?"
                pdq = next(pdqs)
                if submitted(pdq):
                    kept.append(pdq)
                else:
                    refused += 1
                assert asked(httpx, key, next(pdqs)) == "200", "a miss"
                assert asked(httpx, key, kept[0]) in (FOUND, "503")
            filler.unlink()
            wait_until(lambda: submitted(next(pdqs)))
            wait_until(lambda: all(asked(httpx, key, pdq) == FOUND for pdq in kept))
            verified = run("audit", "verify", "--data", str(disk))
            assert verified.returncode == 0, verified.stderr


@pytest.mark.slow
def test_a_walk_over_two_processes_is_noticed_as_on_one(data_directory: Path) -> None:
    """Each step on a connection of its own, from many threads: either worker takes it."""
    with served(data_directory) as process:
        key = run("keys", "issue", "Example", "--scope", "match", "--data", str(data_directory))
        headers = {
            "Authorization": f"Bearer {key.stdout.strip()}",
            "Content-Type": "application/octet-stream",
            "Connection": "close",
        }

        def ask(pdq: Hashes) -> int:
            asked = pdq.tobytes()
            return httpx.post(f"{URL}/v1/match", content=asked, headers=headers).status_code

        wait_until(lambda: all(ask(random_hashes(1)) == 200 for _ in range(8)))
        with ThreadPoolExecutor(8) as threads:
            statuses = Counter(threads.map(ask, neighbours(random_hashes(1, seed=3))))
        assert 96 <= statuses[200] <= 150
        assert statuses[403] == 256 - statuses[200]
        assert len(workers_of(process)) == 2
