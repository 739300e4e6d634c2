"""A worker that is told to stop still answers requests that are being processed or sent."""

import socket
import threading
from contextlib import ExitStack

from unseen_service.runtime.http_protocol import HttpProtocol

from tests.support.running_service import RunningService, serving
from tests.support.waiting import wait_until

ALIVE = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


class Patient(HttpProtocol):
    """Waits for the last request for as long as a busy machine may need to send it."""

    STOP_GRACE_S = 10.0


def connect(service: RunningService) -> socket.socket:
    port = int(service.url.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def is_refused(service: RunningService) -> bool:
    try:
        connect(service).close()
    except (ConnectionRefusedError, ConnectionResetError):
        return True  # reset: the listener was closed before it accepted this connection
    return False


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_request_during_shutdown_is_answered_and_closes_the_connection(database_url: str) -> None:
    with ExitStack() as running, ExitStack() as connections:
        service = running.enter_context(serving(database_url, protocol=Patient))
        used, unused = (connections.enter_context(connect(service)) for _ in range(2))
        used.sendall(ALIVE)
        assert used.recv(65_536).startswith(b"HTTP/1.1 200")
        stopping = threading.Thread(target=running.pop_all().close)
        stopping.start()
        wait_until(lambda: is_refused(service))
        for each in used, unused:
            each.sendall(ALIVE)
            answer = read_all(each)
            assert answer.startswith(b"HTTP/1.1 200")
            assert b"connection: close" in answer
            each.close()
        stopping.join(10)
        assert not stopping.is_alive()


def test_idle_connection_is_closed_on_shutdown(database_url: str) -> None:
    with ExitStack() as stack:
        idle = connect(stack.enter_context(serving(database_url)))
        stack.close()
        assert read_all(idle) == b""
        idle.close()
