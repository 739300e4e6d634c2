"""A kept connection to each worker of a service.

Which worker answers is the kernel's choice, once per connection: so connections are opened until
every worker has one.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil

from .processes import is_worker
from .running_service import RunningService
from .waiting import PATIENCE_S, wait_until

_PROBES = 50
_MAX_CONNECTIONS = 200


@contextmanager
def connect_to_each_worker(
    service: RunningService, supervisor: psutil.Process, *, workers: int = 2
) -> Iterator[list[httpx.Client]]:
    """Yield one client per worker, each with one kept connection and a key for lookups.

    Every worker is ready by then.
    """
    found = [each for each in supervisor.children() if is_worker(each)]
    assert len(found) == workers
    clients: dict[int, httpx.Client] = {}
    key = service.key("match")
    opened: list[httpx.Client] = []
    try:
        while len(clients) < workers:
            assert len(opened) < _MAX_CONNECTIONS, "one worker is given no connection"
            client = httpx.Client(
                base_url=service.url,
                headers={"Authorization": f"Bearer {key}"},
                limits=httpx.Limits(max_connections=1, keepalive_expiry=PATIENCE_S),
            )
            opened.append(client)
            clients.setdefault(_worker_of(client, found), client)
        for client in clients.values():
            # At the start, probes on new connections may not have met every worker.
            wait_until(lambda client=client: client.get("/readyz").is_success)  # type: ignore[misc]
        yield list(clients.values())
    finally:
        for client in opened:
            client.close()


def _worker_of(client: httpx.Client, workers: list[psutil.Process]) -> int:
    """Return the ID of the worker at the other end of a client's only connection.

    Only root may read which connections a worker has. But a worker waits for each request, which
    its count of voluntary context switches shows.
    """
    client.get("/healthz").raise_for_status()
    before = [worker.num_ctx_switches().voluntary for worker in workers]
    for _ in range(_PROBES):
        client.get("/healthz").raise_for_status()
    waited = [
        worker.num_ctx_switches().voluntary - count
        for worker, count in zip(workers, before, strict=True)
    ]
    return workers[waited.index(max(waited))].pid
