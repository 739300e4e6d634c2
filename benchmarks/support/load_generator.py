"""A load generator: sends prepared requests over persistent connections and times the responses.

It writes plain bytes through asyncio protocols: on two cores, an HTTP client library would be the
bottleneck.
"""

import asyncio
import math
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Seconds = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The throughput of a run, and for each response its latency and the number of its request."""

    requests_per_second: float
    latencies: Seconds
    request_numbers: npt.NDArray[np.int64]

    def ms(self, percentile: float, among: Collection[int] | None = None) -> float:
        """Return a percentile of the latency in ms, of all or some requests; NaN if none."""
        latencies = self.latencies
        if among is not None:
            latencies = latencies[np.isin(self.request_numbers, list(among))]
        return float(np.percentile(latencies, percentile)) * 1e3 if len(latencies) else math.nan


class _Connection(asyncio.Protocol):
    """A connection that sends one request at a time; responses need a Content-Length."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._response: asyncio.Future[bytes] | None = None
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
        if len(body) >= length and self._response:
            response, self._response = self._response, None
            self._buffer.clear()
            response.set_result(head.split(b" ", 2)[1])

    async def send(self, request: bytes) -> bytes:
        """Send a request; return the status code of its response."""
        assert self._transport
        self._response = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._response


def post_request(path: str, key: str, media_type: str, body: bytes) -> bytes:
    """Return the bytes of a POST request."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def run_load(
    port: int,
    requests: Sequence[bytes],
    *,
    connections: int,
    seconds: float,
    per_second: float | None = None,
) -> LoadResult:
    """Send the requests in rotation: as fast as they are answered, or at a rate per second.

    At a given rate the latency of a request counts from when it was due, so that time spent
    waiting for a free connection is included (no coordinated omission).
    """
    return asyncio.run(_run_load(port, requests, connections, seconds, per_second))


async def _run_load(
    port: int,
    requests: Sequence[bytes],
    connections: int,
    seconds: float,
    per_second: float | None,
) -> LoadResult:
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    numbers: list[int] = []
    begin = time.perf_counter()
    sent = 0

    async def send_in_turn() -> None:
        nonlocal sent
        _, connection = await loop.create_connection(_Connection, "127.0.0.1", port)
        while True:
            turn, sent = sent, sent + 1
            due = begin + turn / per_second if per_second else time.perf_counter()
            if due > begin + seconds:
                return
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            status = await connection.send(requests[turn % len(requests)])
            assert status == b"200", status
            latencies.append(time.perf_counter() - due)
            numbers.append(turn % len(requests))
            if time.perf_counter() > begin + seconds:
                return

    await asyncio.gather(*(send_in_turn() for _ in range(connections)))
    elapsed = time.perf_counter() - begin
    return LoadResult(len(latencies) / elapsed, np.array(latencies), np.array(numbers, np.int64))
