"""A kept connection to each worker of a service.

Which worker answers is the kernel's choice, once per connection: so connections are opened until
every worker has one.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import httpx
import psutil

from .processes import is_worker
from .running_service import RunningService
from .waiting import PATIENCE_S, wait_until

Inside = Callable[[], AbstractContextManager[None]]
"""Enters the network in which the workers' ends of connections can be seen."""

_MAX_CONNECTIONS = 200


@contextmanager
def connect_to_each_worker(
    service: RunningService,
    supervisor: psutil.Process,
    inside: Inside = nullcontext,
    *,
    workers: int = 2,
) -> Iterator[list[httpx.Client]]:
    """Yield one client per worker, each with one kept connection and a key for lookups.

    Every worker is ready by then. The workers' ends are seen only `inside` the network that they
    are in.
    """
    found = [each for each in supervisor.children() if is_worker(each)]
    assert len(found) == workers
    clients: dict[int, httpx.Client] = {}
    key = service.key("match")
    opened: list[httpx.Client] = []
    known_ports: set[int] = set()
    try:
        while len(clients) < workers:
            assert len(opened) < _MAX_CONNECTIONS, "one worker is given no connection"
            client = httpx.Client(
                base_url=service.url,
                headers={"Authorization": f"Bearer {key}"},
                limits=httpx.Limits(max_connections=1, keepalive_expiry=PATIENCE_S),
            )
            opened.append(client)
            clients.setdefault(_worker_of(client, found, known_ports, inside), client)
        for client in clients.values():
            # At the start, probes on new connections may not have met every worker.
            wait_until(lambda client=client: client.get("/readyz").is_success)  # type: ignore[misc]
        yield list(clients.values())
    finally:
        for client in opened:
            client.close()


def _worker_of(
    client: httpx.Client, workers: list[psutil.Process], known_ports: set[int], inside: Inside
) -> int:
    """Return the ID of the worker at the other end of a client's only connection.

    `known_ports` are those of earlier connections; this one's is added.
    """
    client.get("/healthz").raise_for_status()
    (port,) = {
        each.laddr.port
        for each in psutil.Process().net_connections("tcp")
        if each.status == psutil.CONN_ESTABLISHED
        and each.raddr == (client.base_url.host, client.base_url.port)
    } - known_ports
    known_ports.add(port)
    with inside():
        (worker,) = (
            worker.pid
            for worker in workers
            if port in {each.raddr.port for each in worker.net_connections("tcp") if each.raddr}
        )
    return worker
