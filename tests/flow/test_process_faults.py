"""Workers, the supervisor and PostgreSQL are killed or hang, and disks fill, under load."""

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
OPERATOR = f"http://127.0.0.1:{PORT + 1_000}"


@contextmanager
def served(data: Path, workers: int = 2, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    with serve_process(data, port=PORT, workers=workers, **settings) as service:
        yield service.process


def ready() -> bool:
    try:
        return httpx.get(f"{URL}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_a_killed_worker_is_replaced_while_the_other_keeps_serving(data_directory: Path) -> None:
    with served(data_directory) as process:
        key, pdq = key_in(data_directory), random_pdq(1)
        wait_until(lambda: try_to_submit(pdq))
        wait_until(lambda: all(lookup_outcome(httpx, key, pdq) == FOUND for _ in range(8)))
        killed, kept = workers_of(process)
        killed.kill()
        wait_until(lambda: len(workers_of(process)) == 2 and killed not in workers_of(process))
        assert kept in workers_of(process)
        wait_until(lambda: all(lookup_outcome(httpx, key, pdq) == FOUND for _ in range(8)))


FOUND = "found"


def key_in(data: Path) -> str:
    """Issue a key for lookups, with the operator's command."""
    return run("keys", "issue", "Example", "--scope", "match", "--data", str(data)).stdout.strip()


def lookup_outcome(client: Any, key: str, pdq: str) -> str:
    """Look a hash up with a client or httpx itself; return FOUND, the status or the error."""
    headers = {"Authorization": f"Bearer {key}"}
    try:
        answer = client.post(f"{URL}/v1/match", json={"hashes": [pdq]}, headers=headers)
    except httpx.TransportError as error:
        return type(error).__name__
    found = answer.status_code == 200 and len(answer.json()["hits"]) == 1
    return FOUND if found else f"{answer.status_code}"


class ConcurrentLookups:
    """Lookups from several threads and their outcomes, each on a new connection.

    Persistent connections would stay with the workers that accepted them.
    """

    THREADS = 6

    def __init__(self, key: str, pdq: str) -> None:
        self._key, self._pdq = key, pdq
        self._ended = threading.Event()
        self.outcomes: Counter[str] = Counter()

    @contextmanager
    def running(self) -> Iterator[None]:
        with ThreadPoolExecutor(self.THREADS) as threads:
            running = [threads.submit(self._look_up) for _ in range(self.THREADS)]
            try:
                yield
            finally:
                self._ended.set()
        for each in running:
            self.outcomes += each.result()

    def _look_up(self) -> Counter[str]:
        outcomes: Counter[str] = Counter()
        limits = httpx.Limits(max_keepalive_connections=0)
        with httpx.Client(limits=limits, timeout=60) as client:
            while not self._ended.is_set():
                outcomes[lookup_outcome(client, self._key, self._pdq)] += 1
        return outcomes


@pytest.mark.slow
@pytest.mark.parametrize("how", ["one is killed", "all are replaced"])
def test_only_requests_in_flight_on_a_killed_worker_fail(data_directory: Path, how: str) -> None:
    """A new worker accepts no request before it is ready; a stopping one finishes its requests."""
    with served(data_directory) as process:
        key, pdq = key_in(data_directory), random_pdq(1)
        wait_until(lambda: try_to_submit(pdq))
        wait_until(lambda: all(lookup_outcome(httpx, key, pdq) == FOUND for _ in range(8)))
        lookups, before = ConcurrentLookups(key, pdq), workers_of(process)
        replaced = set(before[:1] if how == "one is killed" else before)
        with lookups.running():
            time.sleep(0.5)
            if how == "one is killed":
                before[0].kill()
            else:
                process.send_signal(signal.SIGHUP)
            wait_until(
                lambda: len(workers_of(process)) == 2 and not replaced & set(workers_of(process)),
                within=90,
            )
            # If the last worker accepted requests while it loads, they would fail now.
            time.sleep(5)
        assert lookups.outcomes.pop(FOUND) > 100
        if how == "one is killed":
            assert set(lookups.outcomes) <= {"ReadError", "RemoteProtocolError", "WriteError"}
            assert lookups.outcomes.total() <= ConcurrentLookups.THREADS
        else:
            assert lookups.outcomes == Counter()


@pytest.mark.slow
def test_the_database_user_is_rotated_without_downtime(
    database_url: str, data_directory: Path
) -> None:
    """As docs/operate.md says: add a second user, write it to the file, replace the workers."""
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
            wait_until(lambda: try_to_submit(random_pdq(1)))
            wait_until(lambda: users() == {"second"})


def test_a_killed_supervisor_leaves_no_processes_and_can_be_restarted(data_directory: Path) -> None:
    pdq = random_pdq(1)
    with served(data_directory) as process:
        wait_until(lambda: try_to_submit(pdq))
        descendants = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        _, alive = psutil.wait_procs(descendants, timeout=60)
        assert alive == []
    with served(data_directory):
        # The worker that answers may not be ready yet, although the other one is.
        answers: list[httpx.Response] = []
        wait_until(
            lambda: answers.append(httpx.get(f"{OPERATOR}/readyz")) or answers[-1].is_success
        )
        assert answers[-1].json()["hashes"] == 1


def try_to_submit(pdq: str) -> bool:
    """Submit a hash; return whether it was acknowledged, as opposed to refused for now."""
    answer = httpx.post(f"{URL}/v1/cases", json=submission(pdq), timeout=60)
    assert answer.status_code in (201, 503)
    return answer.status_code == 201


@pytest.mark.slow
def test_a_killed_postgresql_is_restarted(data_directory: Path) -> None:
    with served(data_directory) as process:
        for number in range(3):
            wait_until(lambda number=number: try_to_submit(random_pdq(number)))
            (postmaster,) = (
                each for each in psutil.Process(process.pid).children() if is_postmaster(each)
            )
            postmaster.kill()
            wait_until(lambda: try_to_submit(random_pdq(9)))
            # Each worker reconnects by itself, and the kernel picks the one that answers.
            wait_until(lambda: all(try_to_submit(random_pdq(9)) for _ in range(8)))
        wait_until(lambda: httpx.get(f"{OPERATOR}/readyz").json()["hashes"] == 4)


@pytest.mark.slow
def test_a_hanging_worker_is_replaced_while_the_other_keeps_serving(data_directory: Path) -> None:
    with served(data_directory) as process:
        key, pdq = key_in(data_directory), random_pdq(1)
        assert try_to_submit(pdq)
        wait_until(lambda: all(lookup_outcome(httpx, key, pdq) == FOUND for _ in range(8)))
        hung, other = workers_of(process)
        hung.suspend()
        wait_until(lambda: len(workers_of(process)) == 2 and hung not in workers_of(process))
        assert other in workers_of(process)
        wait_until(lambda: all(lookup_outcome(httpx, key, pdq) == FOUND for _ in range(8)))


@pytest.mark.slow
def test_the_supervisor_stops_although_a_worker_hangs(data_directory: Path) -> None:
    with served(data_directory) as process:
        workers_of(process)[0].suspend()
        process.terminate()
        assert process.wait(timeout=30) == 0


@pytest.fixture
def small_disk(data_directory: Path) -> Iterator[Path]:
    """Yield a data folder on a file system of its own, of 1 MiB."""
    with mounted_disk(data_directory, mib=1) as folder:
        yield folder


@pytest.mark.slow
@pytest.mark.root
def test_workers_run_and_start_on_a_full_disk(database_url: str, small_disk: Path) -> None:
    """The files of the metrics are not in the data folder."""
    with served(small_disk, DATABASE_URL=database_url) as process:
        fill_disk(small_disk)
        for each in workers_of(process):
            each.kill()
            wait_until(
                lambda each=each: len(workers_of(process)) == 2 and each not in workers_of(process)
            )
        wait_until(lambda: all(ready() for _ in range(8)))
        started = workers_of(process)
        assert httpx.post(f"{URL}/v1/cases", json=submission(random_pdq(1))).status_code == 201
        wait_until(lambda: httpx.get(f"{OPERATOR}/readyz").json()["hashes"] == 1)
        wait_until(lambda: "unseen_index_hashes 1.0" in httpx.get(f"{OPERATOR}/metrics").text)
        assert workers_of(process) == started


@pytest.mark.slow
@pytest.mark.root
def test_postgresql_on_a_full_disk_loses_nothing_and_misses_are_answered(
    data_directory: Path,
) -> None:
    pdqs = (random_pdq(number) for number in count())
    with mounted_disk(data_directory, mib=160) as disk:
        disk.chmod(0o755)
        with served(disk):
            key, kept = key_in(disk), [next(pdqs)]
            assert try_to_submit(kept[0])
            wait_until(lambda: all(lookup_outcome(httpx, key, kept[0]) == FOUND for _ in range(8)))
            filler = fill_disk(disk)
            refused, deadline = 0, time.monotonic() + 120
            while refused < 20:
                assert time.monotonic() < deadline, "PostgreSQL still finds room"
                pdq = next(pdqs)
                if try_to_submit(pdq):
                    kept.append(pdq)
                else:
                    refused += 1
                assert lookup_outcome(httpx, key, next(pdqs)) == "200", "a miss"
                assert lookup_outcome(httpx, key, kept[0]) in (FOUND, "503")
            filler.unlink()
            wait_until(lambda: try_to_submit(next(pdqs)))
            wait_until(lambda: all(lookup_outcome(httpx, key, pdq) == FOUND for pdq in kept))
            verified = run("audit", "verify", "--data", str(disk))
            assert verified.returncode == 0, verified.stderr


@pytest.mark.slow
def test_probing_spread_over_two_processes_is_noticed(data_directory: Path) -> None:
    """Each query has its own connection, so that either worker may serve it."""
    with served(data_directory) as process:
        key = run("keys", "issue", "Example", "--scope", "match", "--data", str(data_directory))
        headers = {
            "Authorization": f"Bearer {key.stdout.strip()}",
            "Content-Type": "application/octet-stream",
            "Connection": "close",
        }

        def look_up(pdq: Hashes) -> int:
            body = pdq.tobytes()
            return httpx.post(f"{URL}/v1/match", content=body, headers=headers).status_code

        def hits(pdq: Hashes) -> list[int]:
            answer = httpx.post(f"{URL}/v1/match", content=pdq.tobytes(), headers=headers)
            return [hit["distance"] for hit in answer.json()["hits"]]

        wait_until(lambda: all(look_up(random_hashes(1)) == 200 for _ in range(8)))
        stored = random_hashes(1, seed=3)
        body = submission(stored.tobytes().hex())
        assert httpx.post(f"{URL}/v1/cases", json=body, timeout=60).status_code == 201
        wait_until(lambda: bool(hits(stored)))
        with ThreadPoolExecutor(8) as threads:
            told = list(threads.map(hits, neighbours(stored)))
        assert all(each == [8] for each in told[:8]), "coarse distances are the default"
        assert told[-1] == [31], "withheld on both workers"
        assert len(workers_of(process)) == 2
