"""An upgrade without downtime: the previous release keeps serving on this version's schema.

The previous release comes from the repository's own history. It runs in processes of its own, with
the libraries of this environment.
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from unseen_service.errors import StoreUnavailable
from unseen_service.store import migrate

from tests.support.databases import is_anyone_waiting, with_database
from tests.support.disks import scratch_folder
from tests.support.hashes import random_pdq
from tests.support.holder_keys import HolderKey
from tests.support.ports import free_port
from tests.support.running_service import RunningService
from tests.support.submissions import PIN, submission
from tests.support.waiting import wait_until

PREVIOUS = "0f440ae09d0b2de6daf8738b162c4c31f8f15e31"
"""The commit of release 0.1.0."""

PARTS = ("index", "service", "clients/python")
REPOSITORY = Path(__file__).parents[2]
REFUSAL = "This database was migrated by another version of the service."

SETTINGS = {
    "UNSEEN_WEBHOOK_PRIVATE_TARGETS": "1",
    "UNSEEN_WORK_FREE_HASHES_PER_MINUTE": "100000000",
    "UNSEEN_MEASURE_EVERY_MS": "300",
    "UNSEEN_DISPUTES_WAIT_DAYS": "0",
    "UNSEEN_SAVE_AFTER_CHANGES": "20",
}
LOCK_TIMEOUT_S = 2.5
"""A call to the service that waits longer for a lock fails (store/connection.py)."""

SHARED_LOCK = ("FLOCK", "READ")

_numbers = count(1)


@dataclass(frozen=True)
class Version:
    """A version of the service: its code, on Python's path ahead of what is installed."""

    code: str
    saved_indexes: str
    """The module of SavedIndexes."""

    def environment(self, **settings: str) -> dict[str, str]:
        return os.environ | SETTINGS | {"PYTHONPATH": self.code} | settings

    def run(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run Python with these arguments and the code of this version."""
        return subprocess.run(
            [sys.executable, *arguments],
            env=self.environment(**settings),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def script(self, script: str, *arguments: str) -> str:
        """Run a Python script with the code of this version; return what it prints."""
        done = self.run("-c", script, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def command(self, database_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the service."""
        return self.run("-m", "unseen_service", *arguments, DATABASE_URL=database_url)


def version_in(folder: Path, saved_indexes: str) -> Version:
    code = os.pathsep.join(str(folder / part) for part in PARTS)
    return Version(code, f"unseen_service.live.{saved_indexes}")


CURRENT = version_in(REPOSITORY, "saved_indexes")


@pytest.fixture(scope="module")
def previous(request: pytest.FixtureRequest) -> Version:
    """The previous release, kept in pytest's cache: compiling its kernels takes 15 s."""
    cache: pytest.Cache = request.config.cache  # type: ignore[assignment]
    releases = cache.mkdir("releases")
    folder = releases / PREVIOUS
    with (releases / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # for other workers of pytest-xdist
        if not folder.exists():
            unfinished = releases / "unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            extract_previous(unfinished)
            version_in(unfinished, "saved").script("from unseen_index.__main__ import main; main()")
            unfinished.rename(folder)
    return version_in(folder, "saved")


def extract_previous(folder: Path) -> None:
    """Extract the previous release; skip the test if this is not a clone with its history."""
    # Whoever owns the clone: reading a commit executes nothing of it.
    git = ["git", "-c", "safe.directory=*", "-C", str(REPOSITORY)]
    try:
        archive = subprocess.run(
            [*git, "archive", PREVIOUS, *PARTS], capture_output=True, check=True
        )
    except FileNotFoundError:
        pytest.skip("release 0.1.0 comes from the git history, and git is not installed")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"release 0.1.0 is not in the git history here: {error.stderr.decode()}")
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)


@pytest.fixture
def empty(postgres: str) -> Iterator[str]:
    """An empty database; its URL."""
    name = f"upgrade_{next(_numbers)}"
    with psycopg.connect(with_database(postgres, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
        yield with_database(postgres, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[call-overload]


@dataclass
class Host:
    """A running service of one version: two workers, and what they log."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    is_current: bool = True
    """Whether it is this version, whose holders make their own keys."""

    def is_ready(self) -> bool:
        try:
            ready = httpx.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False
        return ready and len(self.loaded_workers()) == 2

    def loaded_workers(self) -> list[psutil.Process]:
        """Return the workers whose index is loaded: they share a lock (runtime/accept_gate.py)."""
        locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
        holders = {int(pid) for _, kind, _, mode, pid, *_ in locks if (kind, mode) == SHARED_LOCK}
        children = psutil.Process(self.process.pid).children()
        return [each for each in children if each.pid in holders]

    def replace_worker(self) -> None:
        """Kill a worker, and wait until the supervisor has replaced it."""
        killed = self.loaded_workers()[0]
        killed.kill()
        wait_until(lambda: killed not in self.loaded_workers() and self.is_ready(), within=60)

    def has_key(self, key: str) -> bool:
        """Return whether all workers know a key, as far as several connections tell."""
        headers = {"Authorization": f"Bearer {key}"}
        answers = [httpx.get(f"{self.url}/v1/webhooks", headers=headers) for _ in range(8)]
        return all(answer.status_code != 401 for answer in answers)

    def metric(self, name: str) -> float | None:
        """Return a metric's value, None if it is not reported."""
        answer = httpx.get(f"{self.url}/metrics")  # 0.1.0 serves them to anyone
        if not answer.is_success:
            answer = httpx.get(f"{RunningService(self.url, '').operator_url}/metrics")
        lines = answer.text.splitlines()
        return next((float(line.split()[-1]) for line in lines if line.startswith(name)), None)

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(timeout=30) == 0

    def problems(self) -> list[str]:
        """Return what it logged, except for lines of level info and the notices of an upgrade."""
        lines = self.log.read_text().splitlines()
        return [line for line in lines if not (is_information(line) or is_of_upgrade(line))]


def is_of_upgrade(line: str) -> bool:
    """Return whether a line is about permissions of 0.1, or about hashes not yet encrypted."""
    return "closed to them now" in line or "run 'unseen-service encrypt'" in line


def is_information(line: str) -> bool:
    try:
        return bool(json.loads(line)["level"] == "info")
    except ValueError:
        return False


@contextmanager
def serving(version: Version, database_url: str, data: Path) -> Iterator[Host]:
    """Run `serve` on a free port; all hosts of a test share the data folder."""
    port = free_port()
    command = [sys.executable, "-m", "unseen_service", "serve", "--port", str(port)]
    with (data / f"{port}.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--workers", "2", "--data", str(data)],
            env=version.environment(DATABASE_URL=database_url),
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    host = Host(f"http://127.0.0.1:{port}", process, Path(log.name), version is CURRENT)
    try:
        wait_until(lambda: host.is_ready() or process.poll() is not None, within=60)
        assert process.poll() is None, host.log.read_text()
        yield host
    finally:
        process.terminate()
        process.wait(timeout=30)


@dataclass(frozen=True)
class Caller:
    """Someone with a key, none for a person; calls any host, each time on a new connection."""

    key: str = ""

    def __call__(self, host: Host, method: str, path: str, **body: object) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}", "Unseen-Reason": "a test"}
        if not self.key:
            headers = {"Unseen-Pin": PIN}
        json_body = body or None
        answer = httpx.request(
            method, f"{host.url}{path}", headers=headers, json=json_body, timeout=20
        )
        assert answer.is_success, f"{method} {path}: {answer.text}\n{host.problems()}"
        return answer


PERSON = Caller()


@dataclass(frozen=True)
class Staff:
    """Two members of staff with admin keys, as it takes two to issue one for the feed."""

    first: Caller
    second: Caller

    @classmethod
    def appoint(cls, version: Version, database_url: str) -> "Staff":
        """Issue both keys on the command line, as an operator does on the first day."""
        return cls(*(cls._issue_as_operator(version, database_url, number) for number in "12"))

    @staticmethod
    def _issue_as_operator(version: Version, database_url: str, number: str) -> Caller:
        issue = ("keys", "issue", f"Staff {number}", "--scope", "admin", "--scope", "audit")
        issued = version.command(database_url, *issue, "--by", "alice")
        assert issued.returncode == 0, issued.stderr
        approved = version.command(database_url, "keys", "approve", number, "--by", "bob")
        assert approved.returncode == 0, approved.stderr
        return Caller(issued.stdout.strip())

    def with_second_rotated(self, host: Host, *others: Host) -> "Staff":
        """Let the second replace the key whose secret `alice` saw, as she saw the first's."""
        made = HolderKey()
        rotate = {"digest": made.digest, "overlap_s": 0}
        self.second(host, "POST", "/v1/keys/self/rotate", **rotate)
        wait_until(lambda: made.activate(host.url).is_success)
        for each in host, *others:
            wait_until(lambda each=each: each.has_key(made.secret))  # type: ignore[misc]
        return Staff(self.first, Caller(made.secret))

    def issue(self, host: Host, platform: str, *scopes: str) -> Caller:
        """Issue a key for a platform, approve it if it must be; every worker knows it then."""
        asked = {"platform": platform, "scopes": scopes}
        made = HolderKey() if host.is_current and "feed" in scopes else None
        digest = {"digest": made.digest} if made else {}
        new = self.first(host, "POST", "/v1/keys", **asked, **digest).json()
        return self._activate(host, new, made)

    def rotate(self, host: Host, platform: str) -> Caller:
        """Replace a platform's key at once."""
        keys = self.first(host, "GET", "/v1/keys").json()["keys"]
        (old,) = (key["id"] for key in keys if key["platform"] == platform)
        made = HolderKey() if host.is_current else None
        digest = {"digest": made.digest} if made else {}
        new = self.first(host, "POST", f"/v1/keys/{old}/rotate", overlap_s=0, **digest).json()
        return self._activate(host, new, made)

    def _activate(self, host: Host, new: dict[str, str], made: HolderKey | None) -> Caller:
        secret = made.secret if made else new["key"]
        if made:
            wait_until(lambda: made.activate(host.url).is_success)
        if new["status"] in ("pending", "unused"):
            self.second(host, "POST", f"/v1/keys/{new['id']}/approve")
        wait_until(lambda: host.has_key(secret))
        return Caller(secret)


def use_everything(host: Host, staff: Staff) -> None:
    """Use all parts of the API on one host."""
    name = f"Platform {next(_numbers)}"
    platform = staff.issue(host, name, "match", "feed", "feedback")
    pdq = new_hash()
    case = submit(host, pdq)
    wait_until(lambda: is_matchable(host, platform, pdq))
    assert hits(host, platform, new_hash()) == []
    (record,) = {hit["record"] for hit in hits(host, platform, pdq)}
    assert PERSON(host, "GET", f"/v1/cases/{case}").json()["images"][0]["matches"] > 0

    platform = staff.rotate(host, name)
    assert record in platform(host, "GET", "/v1/hashes").text
    use_webhooks(host, platform)
    review(host, staff, pdq, record)
    PERSON(host, "DELETE", f"/v1/cases/{case}")
    assert hits(host, platform, pdq) == []
    assert platform(host, "POST", "/v1/withdrawals", records=[record]).json()["active"] == []

    staff.first(host, "GET", "/v1/statistics")
    entries = staff.first(host, "GET", "/v1/audit").json()["entries"]
    assert "case.withdrawn" in {entry["kind"] for entry in entries}
    assert staff.first(host, "GET", "/v1/audit/checkpoint").text


def new_hash() -> str:
    return random_pdq(next(_numbers))


def submit(host: Host, pdq: str) -> str:
    return str(PERSON(host, "POST", "/v1/cases", **submission(pdq)).json()["case"])


def hits(host: Host, platform: Caller, pdq: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = platform(host, "POST", "/v1/match", hashes=[pdq]).json()["hits"]
    return found


def is_matchable(host: Host, platform: Caller, pdq: str) -> bool:
    """Return whether all workers find a hash, as far as several connections tell."""
    return all(hits(host, platform, pdq) for _ in range(8))


def expect_hits(count: int, host: Host, platform: Caller, pdq: str) -> None:
    assert len(hits(host, platform, pdq)) == count


def use_webhooks(host: Host, platform: Caller) -> None:
    """Register a webhook that nothing listens to, send it a test message, and delete it."""
    url = f"http://127.0.0.1:{free_port()}/"
    webhook = platform(host, "POST", "/v1/webhooks", url=url).json()["webhook"]["webhook"]
    platform(host, "POST", f"/v1/webhooks/{webhook}/test")
    (shown,) = platform(host, "GET", "/v1/webhooks").json()["webhooks"]
    assert shown["waiting"] >= 1
    platform(host, "DELETE", f"/v1/webhooks/{webhook}")


def review(host: Host, staff: Staff, pdq: str, record: str) -> None:
    """Dispute a hash as two platforms that match it, and release it as staff."""
    for _ in range(2):
        platform = staff.issue(host, f"Platform {next(_numbers)}", "match", "feedback")
        expect_hits(1, host, platform, pdq)
        feedback = [{"record": record, "value": "not-intimate"}]
        assert platform(host, "POST", "/v1/feedback", feedback=feedback).json()["new"] == 1
    reviews = staff.first(host, "GET", "/v1/review").json()["reviews"]
    assert record in {each["record"] for each in reviews}
    staff.first(host, "POST", f"/v1/review/{record}", decision="release")


def expect_no_waiting_key_opens_the_old_version(staff: Staff, new: Host, old: Host) -> None:
    """Neither a key that its holder has not activated yet, nor one that is not approved."""
    unused, pending = HolderKey(), HolderKey()
    for made in unused, pending:
        staff.first(new, "POST", "/v1/keys", **made.body(f"P {made.fingerprint[:5]}", "feed"))
    wait_until(lambda: pending.activate(new.url).is_success)
    later = staff.issue(new, f"Platform {next(_numbers)}", "match")
    wait_until(lambda: old.has_key(later.key))
    for made in unused, pending:
        answers = [httpx.get(f"{old.url}/v1/hashes", headers=made.headers) for _ in range(8)]
        assert {answer.status_code for answer in answers} == {401}


class Traffic:
    """A light stream of calls to some hosts until the block ends; none may fail."""

    def __init__(self, platform: Caller, staff: Staff, pdq: str, *hosts: Host) -> None:
        self.hosts = hosts
        self.slowest: dict[str, float] = {}
        self.rounds = 0
        self._calls: dict[str, Callable[[Host], object]] = {
            "miss": lambda host: expect_hits(0, host, platform, new_hash()),
            "hit": lambda host: expect_hits(1, host, platform, pdq),
            "submission": lambda host: submit(host, new_hash()),
            "keys": lambda host: staff.first(host, "GET", "/v1/keys"),
        }
        self._ended = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        if self._failure:
            raise self._failure

    def wait_for_rounds(self, rounds: int = 3) -> None:
        """Wait for some more rounds of calls."""
        enough = self.rounds + rounds
        wait_until(lambda: self.rounds >= enough or not self._thread.is_alive(), within=60)

    def _run(self) -> None:
        try:
            while not self._ended.wait(0.02):
                for host in self.hosts:
                    for what in self._calls:
                        self._time(what, host)
                self.rounds += 1
        except Exception as failure:  # noqa: BLE001 - raised again by the thread that waits
            self._failure = failure

    def _time(self, what: str, host: Host) -> None:
        begun = time.monotonic()
        self._calls[what](host)
        seconds = time.monotonic() - begun
        self.slowest[what] = max(seconds, self.slowest.get(what, 0.0))


def test_the_previous_release_keeps_serving_during_an_upgrade(
    previous: Version, empty: str
) -> None:
    with scratch_folder() as data, serving(previous, empty, data) as old:
        assert old.metric("unseen_matchable_seconds_count") is not None, (
            "it is the previous release"
        )
        staff = Staff.appoint(previous, empty)
        wait_until(lambda: old.has_key(staff.second.key))
        use_everything(old, staff)
        one, pdq = staff.issue(old, "One", "match"), new_hash()
        case = submit(old, pdq)
        wait_until(lambda: is_matchable(old, one, pdq))

        with Traffic(one, staff, pdq, old) as traffic:
            traffic.wait_for_rounds()
            applied = CURRENT.command(empty, "migrate").stdout.splitlines()
            assert applied[0] == "applied 0066_needs_approval"
            traffic.wait_for_rounds()
        print(f"slowest calls during the migration, in seconds: {traffic.slowest}")
        use_everything(old, staff)

        with serving(CURRENT, empty, data) as new:
            assert new.metric("unseen_lookups_total{") is not None, "it is this version"
            old.replace_worker()
            expect_no_waiting_key_opens_the_old_version(staff, new, old)
            staff = staff.with_second_rotated(new, old)
            with Traffic(one, staff, pdq, old, new) as traffic:
                use_everything(new, staff)
                use_everything(old, staff)
                two = staff.issue(old, "Two", "match")
                wait_until(lambda: new.has_key(two.key))
                assert hits(new, two, pdq)
                for host in (old, new):
                    shown = PERSON(host, "GET", f"/v1/cases/{case}").json()["platforms"]
                    assert {"One", "Two"} <= {each["platform"] for each in shown}
                refused = CURRENT.command(empty, "encrypt", "--data", str(data))
                assert "Workers of an older version may be connected" in refused.stderr
                traffic.hosts = (new,)
                traffic.wait_for_rounds()
                old.stop()
                traffic.wait_for_rounds()
                encrypted = CURRENT.command(empty, "encrypt", "--data", str(data))
                assert encrypted.returncode == 0, encrypted.stderr
                traffic.wait_for_rounds()
                assert PERSON(new, "GET", f"/v1/cases/{case}").json()["platforms"]
            wait_until(lambda: new.metric("unseen_change_log_position") is not None)
        verified = CURRENT.command(empty, "audit", "verify", "--data", str(data))
        assert verified.returncode == 0, verified.stderr
        assert "vouched for as they were found" in verified.stdout
        assert old.problems() == []
        assert new.problems() == []


@pytest.mark.slow
def test_hup_to_a_supervisor_of_the_previous_release_starts_new_workers(
    previous: Version, empty: str
) -> None:
    with scratch_folder() as data:
        installed = data / "installed"
        installed.symlink_to(Path(previous.code.split(os.pathsep)[0]).parent)
        with serving(version_in(installed, "saved"), empty, data) as host:
            staff = Staff.appoint(previous, empty)
            wait_until(lambda: host.has_key(staff.first.key))
            platform, pdq = staff.issue(host, "Platform", "match"), new_hash()
            submit(host, pdq)
            wait_until(lambda: is_matchable(host, platform, pdq))
            before = set(host.loaded_workers())
            with Traffic(platform, staff, pdq, host) as traffic:
                assert CURRENT.command(empty, "migrate").returncode == 0
                installed.unlink()
                installed.symlink_to(REPOSITORY)
                host.process.send_signal(signal.SIGHUP)
                wait_until(lambda: host.is_ready() and not before & {*host.loaded_workers()}, 60)
                traffic.wait_for_rounds()
            is_previous = httpx.get(f"{host.url}/metrics").is_success
            assert not is_previous, "this version has them on the operator's address alone"
        assert host.problems() == []


SAVED_INDEXES = """
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
from unseen_index import HashTable

module, folder = sys.argv[1:]
indexes = import_module(module).SavedIndexes(Path(folder))
hashes = np.random.default_rng(1).integers(0, 256, (20_000, 32), dtype=np.uint8)
"""
SAVE_INDEX = """
table = HashTable()
table.add(np.arange(19_990), hashes[:19_990])
table.add(np.arange(19_990, 20_000), hashes[19_990:])
table.remove(np.array([5, 19_995]))
indexes.publish(table, 7, "a mark")
"""
OPEN_INDEX = """
(saved,) = indexes.newest_first()
table = saved.open("cpu")
found = table.search(hashes[[4, 5, 19_994, 19_995]], 0)
print(saved.position, saved.mark, len(table), *found.ids)
"""


@pytest.mark.parametrize("direction", ["upgrade", "downgrade"])
def test_each_version_opens_the_index_that_the_other_has_saved(
    previous: Version, tmp_path: Path, direction: str
) -> None:
    writer, reader = (previous, CURRENT) if direction == "upgrade" else (CURRENT, previous)
    writer.script(SAVED_INDEXES + SAVE_INDEX, writer.saved_indexes, str(tmp_path))
    opened = reader.script(SAVED_INDEXES + OPEN_INDEX, reader.saved_indexes, str(tmp_path))
    assert opened == "7 a mark 19998 4 19994\n"


@pytest.mark.parametrize("command", ["serve", "migrate", "keys list"])
def test_the_previous_release_does_not_start_on_this_schema(
    previous: Version, database_url: str, tmp_path: Path, command: str
) -> None:
    refused = previous.command(database_url, *command.split(), "--data", str(tmp_path))
    assert refused.returncode == 1
    assert REFUSAL in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.fixture
def in_use(previous: Version, empty: str) -> Iterator[psycopg.Connection]:
    """A transaction in a database of the previous release that uses a table, as pg_dump does."""
    assert previous.command(empty, "migrate").returncode == 0
    with psycopg.connect(empty) as backup:
        backup.execute("LOCK TABLE keys IN ACCESS SHARE MODE")
        yield backup


def test_calls_pass_while_a_migration_waits_for_a_backup(
    empty: str, in_use: psycopg.Connection
) -> None:
    with psycopg.connect(empty, autocommit=True) as other, ThreadPoolExecutor(1) as thread:
        migrating = thread.submit(migrate, empty)
        other.execute(f"SET lock_timeout = '{LOCK_TIMEOUT_S}s'")
        for _ in range(2):
            wait_until(lambda: is_anyone_waiting(empty))
            other.execute("SELECT count(*) FROM keys")
        assert not migrating.done()
        in_use.commit()
        assert migrating.result()[0] == "0066_needs_approval"


def test_a_migration_that_never_gets_its_table_says_why(
    empty: str, in_use: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("unseen_service.store.migrate"), "_LOCK_DEADLINE_S", 0.0)
    with pytest.raises(StoreUnavailable) as refused:
        migrate(empty)
    assert "a backup" in refused.value.why
    in_use.execute("SELECT count(*) FROM keys")
