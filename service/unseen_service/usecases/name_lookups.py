"""Resolve host names that platforms chose, without one platform's names holding up the others.

The resolver of the system blocks a thread for as long as a name server is silent, and asyncio's own
threads are few and shared with everything else in the worker. So each lookup has a thread of its
own, and an owner has few of them.
"""

import asyncio
import socket
import threading
from collections import Counter
from contextlib import suppress

MAX_LOOKUPS = 8
"""The lookups of one owner that may be running."""
TIMEOUT_S = 10.0

_running: Counter[int] = Counter()
_lock = threading.Lock()


async def look_up(owner: int, host: str, port: int) -> list[str]:
    """Return the addresses of a host; empty if it has none, or none in time.

    Also empty while `owner`, a platform, has too many lookups that do not end.
    """
    with _lock:
        if _running[owner] >= MAX_LOOKUPS:
            return []
        _running[owner] += 1
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[str]] = loop.create_future()
    arguments = (owner, host, port, loop, found)
    threading.Thread(target=_look_up, args=arguments, daemon=True).start()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await found
    except TimeoutError:
        return []


def _look_up(
    owner: int,
    host: str,
    port: int,
    loop: asyncio.AbstractEventLoop,
    found: "asyncio.Future[list[str]]",
) -> None:
    addresses: list[str] = []
    with suppress(OSError, UnicodeError):
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(info[4][0]) for info in infos]
    with _lock:
        _running[owner] -= 1
    with suppress(RuntimeError):  # the loop was closed meanwhile
        loop.call_soon_threadsafe(_answer, found, addresses)


def _answer(found: "asyncio.Future[list[str]]", addresses: list[str]) -> None:
    if not found.done():
        found.set_result(addresses)
