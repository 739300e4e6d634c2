"""A worker that is told to stop still answers requests that are being processed or sent."""

import socket
import threading
from contextlib import ExitStack
from pathlib import Path

from unseen_service.runtime.http_protocol import HttpProtocol

from tests.support.processes import ServiceProcess, serve_process
from tests.support.running_service import RunningService, serving
from tests.support.waiting import wait_until

ALIVE = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


class Patient(HttpProtocol):
    """Waits for the last request for as long as a busy machine may need to send it."""

    STOP_GRACE_S = 10.0


def connect(service: RunningService | ServiceProcess) -> socket.socket:
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


def test_request_that_never_ends_is_no_error_when_the_worker_stops(
    data_directory: Path, database_url: str, tmp_path: Path
) -> None:
    """Each request that still waited was logged as an exception, with its stack."""
    log = tmp_path / "log"
    request = b"POST /v1/cases HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    with ExitStack() as connections:
        with serve_process(data_directory, database_url=database_url, log=log) as service:
            stuck = connections.enter_context(connect(service))
            stuck.sendall(request + b"Content-Length: 100\r\n\r\n{")
            alive = connections.enter_context(connect(service))
            alive.sendall(ALIVE)  # after the other's head was read
            assert alive.recv(65_536).startswith(b"HTTP/1.1 200")
        assert read_all(stuck) == b""
    text = log.read_text()
    assert "Exception" not in text
    assert "Traceback" not in text
