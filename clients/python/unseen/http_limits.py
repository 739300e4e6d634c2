"""Limits on what a server can make a client do: bytes, seconds and cookies.

httpx limits each read, so a server that sends a byte now and then would hold a client for ever, and
it unpacks whole what arrives, so a few megabytes could fill the memory.
"""

import threading
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final

import httpcore
import httpx

from .errors import UnexpectedAnswerError

TOTAL: Final = 4
"""A whole exchange may take this many times what one read may take."""

_SEND_BYTES: Final = 1 << 14
_WBITS: Final = 47  # zlib: a gzip or a zlib header
_PACKED: Final = ("gzip", "x-gzip", "deflate")


def no_cookies() -> CookieJar:
    """Return a jar that keeps no cookie: a server could recognise a person by it."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


def too_large() -> UnexpectedAnswerError:
    """Return the error for an answer with too many bytes."""
    return UnexpectedAnswerError("The server's response is too large.")


class Body:
    """Collects a response's body, unpacked, up to a number of bytes.

    Raises UnexpectedAnswerError for a body that is too large or cannot be unpacked.
    """

    def __init__(self, response: httpx.Response, max_bytes: int) -> None:
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        self._status = response.status_code
        self._left = max_bytes
        self._parts: list[bytes] = []
        self._unpacker = None
        if encoding in _PACKED:
            self._unpacker = zlib.decompressobj(_WBITS)
        elif encoding not in ("", "identity"):
            raise self._unreadable()

    def add(self, received: bytes) -> None:
        """Add bytes as they arrived."""
        if self._unpacker is None or not received:
            self.add_unpacked(received)
            return
        try:
            self.add_unpacked(self._unpacker.decompress(received, self._left + 1))
        except zlib.error as error:
            raise self._unreadable() from error
        if self._unpacker.unconsumed_tail:
            raise too_large()
        if self._unpacker.unused_data:
            raise self._unreadable()

    def whole(self) -> bytes:
        """Return the body, of which everything has been added."""
        if self._unpacker is not None and self._parts and not self._unpacker.eof:
            raise self._unreadable()
        return b"".join(self._parts)

    def add_unpacked(self, part: bytes) -> None:
        """Add bytes of the body itself."""
        self._left -= len(part)
        if self._left < 0:
            raise too_large()
        self._parts.append(part)

    def _unreadable(self) -> UnexpectedAnswerError:
        return UnexpectedAnswerError("The server's response cannot be read.", status=self._status)


class Deadline(threading.local):
    """When the exchange of this thread has to be over; None: never."""

    at: float | None = None

    @contextmanager
    def within(self, seconds: float | None) -> Iterator[None]:
        """Set the deadline for everything that this thread sends and receives in the block."""
        self.at = None if seconds is None else time.monotonic() + seconds
        try:
            yield
        finally:
            self.at = None

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return self.at is not None and time.monotonic() >= self.at

    def shorten(self, timeout: float | None) -> float | None:
        """Return a timeout in seconds, or what is left until the deadline if that is less."""
        if self.at is None:
            return timeout
        left = max(self.at - time.monotonic(), 0.001)
        return left if timeout is None else min(left, timeout)


def enforce(deadline: Deadline, http: httpx.Client) -> None:
    """Set a deadline for every connection of a client.

    httpx has no option for that; httpx and httpcore are therefore pinned to a minor version.
    """
    for transport in (http._transport, *http._mounts.values()):  # noqa: SLF001
        if isinstance(transport, httpx.HTTPTransport):
            pool = transport._pool  # noqa: SLF001
            pool._network_backend = _Backend(pool._network_backend, deadline)  # noqa: SLF001


class _Backend(httpcore.NetworkBackend):
    """Opens connections whose reads and writes end at the deadline."""

    def __init__(self, inner: httpcore.NetworkBackend, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.shorten(timeout)
        stream = self._inner.connect_tcp(host, port, left, local_address, socket_options)
        return _Stream(stream, self._deadline)


class _Stream(httpcore.NetworkStream):
    """A connection whose reads and writes end at the deadline."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.shorten(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In pieces: the timeout is that of one piece, however slowly a server accepts it.
        for begin in range(0, len(buffer), _SEND_BYTES):
            piece = buffer[begin : begin + _SEND_BYTES]
            self._inner.write(piece, self._deadline.shorten(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: Any,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.shorten(timeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
