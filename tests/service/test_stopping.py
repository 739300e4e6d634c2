"""A worker that is told to stop answers what is asked, and what is on its way."""

import socket
import threading
from contextlib import ExitStack

from unseen_service.runtime.http_protocol import HttpProtocol

from tests.support.running_service import RunningService, serving
from tests.support.waiting import wait_until

ALIVE = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


class Patient(HttpProtocol):
    """Waits for a last request for as long as a busy machine may need to send it."""

    LAST_S = 10.0


def connected(service: RunningService) -> socket.socket:
    port = int(service.url.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def refused(service: RunningService) -> bool:
    try:
        connected(service).close()
    except ConnectionRefusedError:
        return True
    return False


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_a_request_that_is_on_its_way_is_answered_and_is_the_last(database_url: str) -> None:
    with ExitStack() as stack:
        service = stack.enter_context(serving(database_url, protocol=Patient))
        used, unused = connected(service), connected(service)
        used.sendall(ALIVE)
        assert used.recv(65_536).startswith(b"HTTP/1.1 200")
        stopping = threading.Thread(target=stack.pop_all().close)
        stopping.start()
        wait_until(lambda: refused(service))
        for each in used, unused:
            each.sendall(ALIVE)
            answer = read_all(each)
            assert answer.startswith(b"HTTP/1.1 200")
            assert b"connection: close" in answer
            each.close()
        stopping.join(10)
        assert not stopping.is_alive()


def test_a_connection_on_which_nothing_comes_does_not_hold_it_up(database_url: str) -> None:
    with ExitStack() as stack:
        idle = connected(stack.enter_context(serving(database_url)))
        stack.close()
        assert read_all(idle) == b""
        idle.close()
