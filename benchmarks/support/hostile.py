"""Hostile clients, in a process of their own: they send what is costly and accept any answer."""

import asyncio
import contextlib
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from .load_generator import post_request

JSON, RAW = "application/json", "application/octet-stream"
_VARIANTS = 8
_CROWD = 250

Requests = list[bytes]


@contextlib.contextmanager
def attacking(port: int, requests: Requests, connections: int) -> Iterator[None]:
    """Send requests in rotation over so many connections until the block ends."""
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_attack, args=(port, requests, connections), daemon=True)
    process.start()
    time.sleep(1.0)  # until it sends
    try:
        yield
    finally:
        process.terminate()
        process.join()


def _attack(port: int, requests: Sequence[bytes], connections: int) -> None:
    # Its own work is not the service's: on the same cores it comes last.
    os.nice(19)
    asyncio.run(_attack_all(port, requests, connections, os.getppid()))


async def _attack_all(port: int, requests: Sequence[bytes], connections: int, parent: int) -> None:
    await asyncio.gather(*(_repeat(port, requests, n, parent) for n in range(connections)))


async def _repeat(port: int, requests: Sequence[bytes], turn: int, parent: int) -> None:
    while os.getppid() == parent:  # not beyond a benchmark that was killed
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                while os.getppid() == parent:
                    writer.write(requests[turn % len(requests)])
                    await writer.drain()
                    turn += 1
                    head = await reader.readuntil(b"\r\n\r\n")
                    length = head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]
                    await reader.readexactly(int(length))
            except IndexError:
                pass  # an answer without a length: connect again
            finally:
                writer.transport.abort()  # `close` would keep what was not sent
        await asyncio.sleep(0.05)


def attacks(key: str, crowd: np.ndarray) -> dict[str, Requests]:
    """Return the requests of each kind of attack.

    `key` is another platform's, `crowd` the stored near-duplicates of a picture.
    """
    hashes = np.random.default_rng(11).integers(0, 256, (10_000, 32), np.uint8)
    return {
        "1.7 MB of unknown members": [_post("/v1/cases", _unknown_members())],
        "wrong PINs": [_wrong_pin(n) for n in range(_VARIANTS)],
        "submissions of 1,000 hashes": _each(lambda n: _post("/v1/cases", _submission(n, 1_000))),
        "submissions of 90 hashes": _each(lambda n: _post("/v1/cases", _submission(n, 90))),
        "/healthz": [b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"],
        "/openapi.json": [b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"],
        "150 hashes near a crowd": [post_request("/v1/match", key, RAW, crowd[:150].tobytes())],
        "batches of 10,000": [
            post_request("/v1/match", key, RAW, hashes.tobytes()),
            post_request("/v1/match", key, JSON, _lookup(hashes)),
        ],
    }


def crowds(count: int) -> tuple[np.ndarray, Requests]:
    """Return near-duplicates of a picture, and the submissions that store them."""
    rng = np.random.default_rng(7)
    bits = np.repeat(rng.integers(0, 2, (1, 256), np.uint8), count, axis=0)
    for row in bits:
        row[rng.choice(256, 8, replace=False)] ^= 1
    made = np.packbits(bits, axis=1)
    parts = [made[start : start + _CROWD] for start in range(0, count, _CROWD)]
    return made, [_post("/v1/cases", _case(part), n) for n, part in enumerate(parts)]


def _each(make: Callable[[int], bytes]) -> Requests:
    return [make(n) for n in range(_VARIANTS)]


def _post(path: str, body: bytes, number: int | None = None) -> bytes:
    idempotency_key = f"bench-{os.urandom(12).hex()}-{number}"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {JSON}\r\n"
        f"Idempotency-Key: {idempotency_key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _wrong_pin(number: int) -> bytes:
    case = f"UN-7K4M-9Q{number}X"
    head = f"GET /v1/cases/{case} HTTP/1.1\r\nHost: 127.0.0.1\r\nUnseen-Pin: 7K4M-9QTX-2HBD\r\n\r\n"
    return head.encode()


def _unknown_members() -> bytes:
    return json.dumps({f"m{n:06}": 1 for n in range(130_000)}).encode()


def _submission(number: int, count: int) -> bytes:
    return _case(np.random.default_rng(100 + number).integers(0, 256, (count, 32), np.uint8))


def _case(hashes: np.ndarray) -> bytes:
    images = [
        {
            "hashes": [{"pdq": bytes(each).hex(), "quality": 100, "view": "original"}],
            "convention": "pdq-srgb-full-1",
        }
        for each in hashes
    ]
    statements = {"adult": True, "depicted": True, "without_consent": True}
    body = {"images": images, "statements": statements, "pin": "7K4M-9QTX-2HBD"}
    return json.dumps(body).encode()


def _lookup(hashes: np.ndarray) -> bytes:
    return json.dumps({"hashes": [bytes(each).hex() for each in hashes]}).encode()
