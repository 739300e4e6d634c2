"""A real service in this process: the app, served by uvicorn on a port of its own."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import uvicorn
from fastapi import FastAPI
from unseen_service.app import create_app
from unseen_service.encryption import KeyFile
from unseen_service.models.keys import NewKey, Scope
from unseen_service.runtime.http_protocol import HttpProtocol
from unseen_service.runtime.shared_memory import SharedCounts
from unseen_service.runtime.supervisor import bind
from unseen_service.settings import Address, Settings
from unseen_service.store import Store, changes

from .disks import data_directory_of
from .encryption import key_file
from .holder_keys import issue_active
from .waiting import PATIENCE_S, wait_until

Result = TypeVar("Result")

_RANDOM = ("state", "salt")
"""The details of audit entries that are different each time."""


@dataclass
class RunningService:
    """A service under test: its address, and what an operator can do with its database."""

    url: str
    database_url: str
    operator_url: str = ""
    """Where /metrics and the details of /readyz are; derived from `url` as `serve` does it."""
    keys: Path | None = None
    """Its file of the database's keys, if it is not that of the tests."""
    _keys: dict[tuple[str, frozenset[Scope]], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Derive the operator's address, unless it was given."""
        if not self.operator_url and self.url:
            address = httpx.URL(self.url)
            port = (address.port or 80) + 1_000
            self.operator_url = f"{address.scheme}://{address.host}:{port}"

    def flow(self, use_case: Callable[[Store], Awaitable[Result]]) -> Result:
        """Run a use case on the service's database, as the command line does."""

        async def run() -> Result:
            keys = KeyFile(self.keys or key_file())
            store = Store(self.database_url, key_file=keys, pool_size=1, timeout=PATIENCE_S)
            await store.open()
            try:
                return await use_case(store)
            finally:
                await store.close()

        # In a thread of its own: a browser's driver may have a loop running in this one.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: asyncio.run(run())).result()

    def key(self, *scopes: str, platform: str = "Example") -> str:
        """Return a platform's active key with these scopes; it is issued on the first call."""
        new = NewKey(platform, frozenset(Scope(scope) for scope in scopes))
        if (platform, new.scopes) not in self._keys:
            self._keys[platform, new.scopes] = self._issue_key(new)
        return self._keys[platform, new.scopes]

    def forget_keys(self) -> None:
        """Issue new keys from now on."""
        self._keys.clear()

    def _issue_key(self, new: NewKey) -> str:
        _, secret = self.flow(lambda store: issue_active(store, new))
        wait_until(lambda: self._is_active(secret))
        return secret

    def _is_active(self, key: str) -> bool:
        headers = {"Authorization": f"Bearer {key}"}
        answer = httpx.get(f"{self.url}/v1/audit", headers=headers, timeout=PATIENCE_S)
        return answer.status_code != 401

    def client(self, *scopes: str, platform: str = "Example") -> httpx.Client:
        """Return an HTTP client that sends a key with these scopes, and a reason for access."""
        headers = {
            "Authorization": f"Bearer {self.key(*scopes, platform=platform)}",
            "Unseen-Reason": "a test",
        }
        return httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE_S)

    def audit_details(self, kind: str) -> list[dict[str, Any]]:
        """Return the details of the audit entries of a kind, in order, without what is random."""
        with self.client("audit", platform="Staff") as staff:
            entries = staff.get("/v1/audit", params={"kind": kind}).json()["entries"]
        return [
            {name: each for name, each in entry["details"].items() if name not in _RANDOM}
            for entry in entries
        ]

    def wait_for_generation(self, generation: int) -> None:
        """Wait until the index has reached a position of the change log."""
        wait_until(lambda: self.ready()["generation"] >= generation)

    def wait_in_step(self) -> None:
        """Wait until the index has applied every change that is committed."""

        async def position(store: Store) -> int:
            async with store.transaction() as tx:
                return await changes.position(tx)

        self.wait_for_generation(self.flow(position))

    def ready(self) -> dict[str, Any]:
        """Return the body of `/readyz`, with its details."""
        url = f"{self.operator_url}/readyz"
        answer: dict[str, Any] = httpx.get(url, timeout=PATIENCE_S).json()
        return answer

    def metrics(self) -> str:
        """Return the body of `/metrics`."""
        return httpx.get(f"{self.operator_url}/metrics", timeout=PATIENCE_S).text

    def is_ready(self) -> bool:
        """Return whether the service can be reached and is ready."""
        try:
            return httpx.get(f"{self.url}/readyz", timeout=PATIENCE_S).status_code == 200
        except httpx.TransportError:
            return False


_SEASONED = {"disputes_wait_days": 0, "coarse_distances": 0}
"""As if every platform of a test had been known for long, and seen exact distances."""


@contextlib.contextmanager
def serving(
    database_url: str,
    *,
    until_ready: bool = True,
    port: int = 0,
    protocol: type[HttpProtocol] = HttpProtocol,
    shared: SharedCounts | None = None,
    **settings: Any,
) -> Iterator[RunningService]:
    """Serve an app of its own until the block ends.

    Its data directory is that of the database, unless `data` is given.
    """
    data = data_directory_of(database_url)
    sockets = [bind("127.0.0.1", port), bind("127.0.0.1", 0)]
    operator = Address("127.0.0.1", sockets[1].getsockname()[1])
    given = Settings(
        database_url=database_url,
        **{
            "data": data,
            "encryption_key_file": key_file(),
            "operator_address": operator,
            **_SEASONED,
            **settings,
        },
    )
    app = create_app(given, shared)
    keys = given.encryption_key
    with _running(app, database_url, sockets, protocol, keys, until_ready=until_ready) as service:
        yield service


@contextlib.contextmanager
def _running(
    app: FastAPI,
    database_url: str,
    sockets: list[socket.socket],
    protocol: type[HttpProtocol],
    keys: Path,
    *,
    until_ready: bool,
) -> Iterator[RunningService]:
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
    )
    server = uvicorn.Server(config)
    url, operator_url = (f"http://127.0.0.1:{each.getsockname()[1]}" for each in sockets)
    thread = threading.Thread(target=server.run, args=(sockets,), daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    service = RunningService(url, database_url, operator_url, keys)
    if until_ready:
        wait_until(lambda: service.ready()["status"] == "ready")
    try:
        yield service
    finally:
        server.should_exit = True
        thread.join(timeout=PATIENCE_S)
