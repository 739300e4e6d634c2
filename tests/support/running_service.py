"""A real service in this process: the app, served by uvicorn on a port of its own."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
import uvicorn
from fastapi import FastAPI
from unseen_service.app import create_app
from unseen_service.models.keys import KeyStatus, NewKey, Scope
from unseen_service.runtime.http_protocol import HttpProtocol
from unseen_service.runtime.shared_memory import SharedCounts
from unseen_service.settings import Settings
from unseen_service.store import Store, changes
from unseen_service.usecases import actors, keys

from .disks import scratch_folder
from .waiting import PATIENCE_S, wait_until

Result = TypeVar("Result")


@dataclass
class RunningService:
    """A service under test: its address, and what an operator can do with its database."""

    url: str
    database_url: str
    _keys: dict[tuple[str, frozenset[Scope]], str] = field(default_factory=dict)

    def flow(self, use_case: Callable[[Store], Awaitable[Result]]) -> Result:
        """Run a use case on the service's database, as the command line does."""

        async def run() -> Result:
            store = Store(self.database_url, pool_size=1, timeout=PATIENCE_S)
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
        issued = self.flow(lambda store: keys.issue_key(store, new))
        if issued.status is KeyStatus.PENDING:
            second = actors.operator("second")
            self.flow(lambda store: keys.approve_key(store, issued.id, second))
        wait_until(lambda: self._is_active(issued.key))
        return issued.key

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
        """Return the details of the audit entries of a kind, in order."""
        with self.client("audit", platform="Staff") as staff:
            entries = staff.get("/v1/audit", params={"kind": kind}).json()["entries"]
        return [entry["details"] for entry in entries]

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
        """Return the body of `/readyz`."""
        answer: dict[str, Any] = httpx.get(f"{self.url}/readyz", timeout=PATIENCE_S).json()
        return answer

    def is_ready(self) -> bool:
        """Return whether the service can be reached and is ready."""
        try:
            return bool(self.ready()["status"] == "ready")
        except httpx.TransportError:
            return False


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

    Its data directory is a temporary one unless `data` is given.
    """
    with scratch_folder() as data:
        given = Settings(database_url=database_url, **{"data": data, **settings})
        app = create_app(given, shared)
        with _running(app, database_url, port, protocol, until_ready=until_ready) as service:
            yield service


@contextlib.contextmanager
def _running(
    app: FastAPI, database_url: str, port: int, protocol: type[HttpProtocol], *, until_ready: bool
) -> Iterator[RunningService]:
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
    service = RunningService(f"http://127.0.0.1:{port}", database_url)
    if until_ready:
        wait_until(lambda: service.ready()["status"] == "ready")
    try:
        yield service
    finally:
        server.should_exit = True
        thread.join(timeout=PATIENCE_S)
