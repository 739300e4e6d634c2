"""What the tests stand on: a real PostgreSQL, a real uvicorn, a real key."""

import asyncio
import contextlib
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import httpx
import numpy as np
import psycopg
import pytest
import uvicorn
from fastapi import FastAPI
from unseen_service.app import create_app
from unseen_service.models.keys import KeyStatus, NewKey, Scope
from unseen_service.runtime.http_protocol import HttpProtocol
from unseen_service.runtime.shared_memory import SharedCounts
from unseen_service.settings import Settings
from unseen_service.store import Store
from unseen_service.usecases import actors, keys

Answer = TypeVar("Answer")

_numbers = count(1)

PIN = "7K4M-9QTX-2HBD"


PATIENCE_S = 60.0
"""How long to wait for what has to happen in the end: long, for a machine that is busy."""


def wait_until(true: Callable[[], Any], within: float = PATIENCE_S) -> None:
    """Wait for something to become true; fail if it does not.

    Give `within` only to test that it happens that soon.
    """
    deadline = time.monotonic() + within
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"it did not become true within {within} s")
        time.sleep(0.005)


@dataclass
class Service:
    """A service under test: where it is, and what an operator can do to it."""

    url: str
    database_url: str
    _keys: dict[tuple[str, frozenset[Scope]], str] = field(default_factory=dict)

    def flow(self, question: Callable[[Store], Awaitable[Answer]]) -> Answer:
        """Run one of the service's flows on its database, as its command line does."""

        async def asked() -> Answer:
            store = Store(self.database_url, pool_size=1, timeout=60)
            await store.open()
            try:
                return await question(store)
            finally:
                await store.close()

        # In a thread of its own: a browser's driver may have a loop running in this one.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: asyncio.run(asked())).result()

    def key(self, *scopes: str, platform: str = "Example") -> str:
        """Give a platform's key with these scopes; it is in force when this returns."""
        wanted = NewKey(platform, frozenset(Scope(scope) for scope in scopes))
        if (platform, wanted.scopes) not in self._keys:
            self._keys[platform, wanted.scopes] = self._new_key(wanted)
        return self._keys[platform, wanted.scopes]

    def forget_keys(self) -> None:
        """Give new keys from here on."""
        self._keys.clear()

    def _new_key(self, wanted: NewKey) -> str:
        issued = self.flow(lambda store: keys.issue_key(store, wanted))
        if issued.status is KeyStatus.PENDING:
            second = actors.operator("second")
            self.flow(lambda store: keys.approve_key(store, issued.id, second))
        wait_until(lambda: self._in_force(issued.key))
        return issued.key

    def client(self, *scopes: str, platform: str = "Example") -> httpx.Client:
        """Make an HTTP client that holds a key with these scopes, and has a reason to read."""
        headers = {
            "Authorization": f"Bearer {self.key(*scopes, platform=platform)}",
            "Unseen-Reason": "a test",
        }
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)

    def wait_for_generation(self, generation: int) -> None:
        """Wait until the index has reached a position of the change log."""
        wait_until(lambda: self.ready()["generation"] >= generation)

    def wait_in_step(self) -> None:
        """Wait until the index has seen everything that is committed."""

        async def position(store: Store) -> int:
            from unseen_service.store import changes  # noqa: PLC0415

            async with store.transaction() as tx:
                return await changes.position(tx)

        self.wait_for_generation(self.flow(position))

    def ready(self) -> dict[str, Any]:
        """Ask whether it is ready."""
        answer: dict[str, Any] = httpx.get(f"{self.url}/readyz", timeout=PATIENCE_S).json()
        return answer

    def is_ready(self) -> bool:
        """Say whether it is there, and ready."""
        try:
            return bool(self.ready()["status"] == "ready")
        except httpx.TransportError:
            return False

    def _in_force(self, key: str) -> bool:
        headers = {"Authorization": f"Bearer {key}"}
        answer = httpx.get(f"{self.url}/v1/audit", headers=headers, timeout=PATIENCE_S)
        return answer.status_code != 401


@contextlib.contextmanager
def fresh_database(template: str) -> Iterator[str]:
    """Make a database like the one at this URL; it is dropped at the end of the block."""
    name = f"test_{next(_numbers)}"
    admin = named(template, "postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template_unseen")  # type: ignore[call-overload]
    yield named(template, name)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[call-overload]


def named(url: str, database: str) -> str:
    """Give the URL of another database of the same server."""
    head, _, query = url.partition("?")
    return f"{head.rpartition('/')[0]}/{database}?{query}"


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a folder that PostgreSQL can be run in, also as root: then it is another account."""
    with tempfile.TemporaryDirectory(prefix="unseen-test-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@contextlib.contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[Path]:
    """Make a folder that is a file system of its own; for tests marked `root`."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder)]
    linux = sys.platform == "linux"
    if not linux or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def serving(
    database_url: str,
    *,
    until_ready: bool = True,
    port: int = 0,
    protocol: type[HttpProtocol] = HttpProtocol,
    shared: SharedCounts | None = None,
    **settings: Any,
) -> Iterator[Service]:
    """Serve an app of its own from a real uvicorn, until the block ends.

    Its data folder is a temporary one unless `data` is given.
    """
    with scratch_folder() as data:
        given = Settings(database_url=database_url, **{"data": data, **settings})
        app = create_app(given, shared)
        with _running(app, database_url, port, protocol, until_ready=until_ready) as service:
            yield service


@contextlib.contextmanager
def _running(
    app: FastAPI, database_url: str, port: int, protocol: type[HttpProtocol], *, until_ready: bool
) -> Iterator[Service]:
    config = uvicorn.Config(
        app,
        port=port,
        http=protocol,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    service = Service(f"http://127.0.0.1:{port}", database_url)
    if until_ready:
        wait_until(lambda: service.ready()["status"] == "ready")
    try:
        yield service
    finally:
        server.should_exit = True
        thread.join(timeout=60)


def random_pdq(seed: int) -> str:
    """Make a hash that looks like one of a photo: 64 hex digits."""
    return np.random.default_rng(seed).bytes(32).hex()


def flipped(pdq: str, bits: int, seed: int = 0) -> str:
    """Give the hash at exactly this distance, in bits."""
    chosen = np.random.default_rng(seed).choice(256, bits, replace=False)
    changed = int(pdq, 16)
    for bit in chosen:
        changed ^= 1 << int(bit)
    return f"{changed:064x}"


def submission(*pdqs: str, pin: str = PIN) -> dict[str, Any]:
    """Make the body of a submission: one image a hash."""
    return {
        "images": [
            {
                "hashes": [{"pdq": pdq, "quality": 100, "view": "original"}],
                "convention": "pdq-srgb-full-1",
            }
            for pdq in pdqs
        ],
        "statements": {"adult": True, "depicted": True, "without_consent": True},
        "pin": pin,
    }
