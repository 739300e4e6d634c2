"""A client that sends prepared requests over kept-open connections, and times the answers.

Plain bytes on asyncio's protocols: on two cores a client library would be what is measured.
"""

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run of requests came to: seconds of each, and which of the requests it was."""

    requests_per_second: float
    seconds: Times
    places: npt.NDArray[np.int64]

    def ms(self, percentile: float, among: Collection[int] | None = None) -> float:
        """Give a percentile in ms, of all or of some of the requests; NaN: none of those."""
        mine = np.isin(self.places, list(among)) if among is not None else slice(None)
        times = self.seconds[mine]
        return float(np.percentile(times, percentile)) * 1e3 if len(times) else float("nan")


class _Connection(asyncio.HttpProtocol):
    """One connection, one request at a time; answers have a Content-Length, as ours do."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._answered: asyncio.Future[bytes] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = bytes(self._buffer).partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        if len(body) >= length and self._answered:
            answered, self._answered = self._answered, None
            self._buffer.clear()
            answered.set_result(head.split(b" ", 2)[1])

    async def ask(self, request: bytes) -> bytes:
        assert self._transport
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answered


def as_http(path: str, key: str, media_type: str, body: bytes) -> bytes:
    """Write a POST as it goes over the wire."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def measure(
    port: int,
    requests: Sequence[bytes],
    *,
    connections: int,
    seconds: float,
    per_second: float | None = None,
) -> Measured:
    """Send requests, in turn, for so long: as fast as they are answered, or at a given rate.

    At a given rate a request's time counts from when it was due, so that waiting is not hidden.
    """
    return asyncio.run(_measured(port, requests, connections, seconds, per_second))


async def _measured(
    port: int,
    requests: Sequence[bytes],
    connections: int,
    seconds: float,
    per_second: float | None,
) -> Measured:
    loop = asyncio.get_running_loop()
    times: list[float] = []
    places: list[int] = []
    begun = time.perf_counter()
    place = 0

    async def one() -> None:
        nonlocal place
        _, connection = await loop.create_connection(_Connection, "127.0.0.1", port)
        while True:
            mine, place = place, place + 1
            due = begun + mine / per_second if per_second else time.perf_counter()
            if due > begun + seconds:
                return
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            status = await connection.ask(requests[mine % len(requests)])
            assert status == b"200", status
            times.append(time.perf_counter() - due)
            places.append(mine % len(requests))
            if time.perf_counter() > begun + seconds:
                return

    await asyncio.gather(*(one() for _ in range(connections)))
    took = time.perf_counter() - begun
    return Measured(len(times) / took, np.array(times), np.array(places, np.int64))
