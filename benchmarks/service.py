"""Lookups over HTTP: one worker, with the client on the same cores and the audit log on."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
from unseen_service.embedded_postgres import EmbeddedPostgres
from unseen_service.models.keys import NewKey, Scope
from unseen_service.usecases import actors, keys

from .support.command import benchmark_parser, write_results
from .support.database import filled, in_store
from .support.load_generator import LoadResult, post_request, run_load

HITS_PER_HUNDRED = 1
JSON, RAW = "application/json", "application/octet-stream"


@contextmanager
def serving(url: str, folder: Path) -> Iterator[tuple[int, float]]:
    """Run the service with one worker; yield its port and how long it took to be ready (s)."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("unseen-service")), "serve"]
    # Rate limits would be the bottleneck.
    unlimited = {"UNSEEN_REQUESTS_PER_MINUTE": "0", "UNSEEN_HASHES_PER_MINUTE": "0"}
    environment = {**os.environ, **unlimited, "DATABASE_URL": url}
    start = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--port", str(port), "--data", str(folder)],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        while not _ready(port):
            time.sleep(0.02)
        yield port, time.perf_counter() - start
    finally:
        process.terminate()
        process.wait(timeout=30)


def _ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=60).status_code == 200
    except httpx.TransportError:
        return False


def issue_key(url: str, data: Path) -> str:
    """Issue a key for lookups; return it."""
    new = NewKey("Bench", frozenset({Scope.MATCH}))
    by = actors.operator("bench")
    return in_store(url, data, lambda store: keys.issue_key(store, new, by)).key


def queries(hashes: np.ndarray, count: int) -> tuple[np.ndarray, list[int]]:
    """Return queries and the positions of hits: the 1 % that are three bits from a stored hash."""
    rng = np.random.default_rng(2)
    result = rng.integers(0, 256, (count, 32), np.uint8)
    hits = rng.choice(count, count * HITS_PER_HUNDRED // 100, replace=False)
    result[hits] = hashes[rng.integers(0, len(hashes), len(hits))]
    result[hits, 0] ^= 7
    return result, hits.tolist()


def json_request(key: str, hashes: np.ndarray) -> bytes:
    body = json.dumps({"hashes": [each.tobytes().hex() for each in hashes]}).encode()
    return post_request("/v1/match", key, JSON, body)


def raw_request(key: str, hashes: np.ndarray) -> bytes:
    return post_request("/v1/match", key, RAW, hashes.tobytes())


def report(name: str, result: LoadResult, batch: int = 1) -> dict[str, float]:
    """Print and return the figures of a run whose requests have `batch` hashes each."""
    figures = {
        "hashes/s": result.requests_per_second * batch,
        "p50 ms": result.ms(50),
        "p99 ms": result.ms(99),
    }
    print(
        f"  {name:<34} {figures['hashes/s']:>10,.0f} hashes/s   "
        f"p50 {figures['p50 ms']:6.2f} ms   p99 {figures['p99 ms']:6.2f} ms",
        flush=True,
    )
    return figures


def report_hits(result: LoadResult, hits: list[int], requests: int) -> dict[str, float]:
    """Print and return latencies of misses and of hits, which PostgreSQL confirms and records."""
    misses = set(range(requests)) - set(hits)
    figures = {
        f"{kind} {percentile} ms": result.ms(float(percentile[1:]), among)
        for kind, among in (("misses", misses), ("hits", set(hits)))
        for percentile in ("p50", "p99")
    }
    print(
        "    " + "   ".join(f"{name[:-3]} {ms:.2f} ms" for name, ms in figures.items()), flush=True
    )
    return figures


def main(arguments: list[str]) -> None:
    parser = benchmark_parser("service", __doc__)
    parser.add_argument(
        "--hashes",
        type=int,
        default=1_000_000,
        help="hashes in the database (default: %(default)s)",
    )
    parser.add_argument(
        "--seconds", type=float, default=5.0, help="duration of each run (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    print(f"The service: one worker, {options.hashes:,} hashes, 1 % hits, audit log on")
    with tempfile.TemporaryDirectory(prefix="unseen-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with EmbeddedPostgres(folder / "postgres") as server:
            url = server.start()
            data = folder / "data"
            hashes = filled(url, data, options.hashes)
            key = issue_key(url, data)
            results = measure_service(url, data, key, hashes, options.seconds)
    write_results("service", results)


def measure_service(
    url: str, folder: Path, key: str, hashes: np.ndarray, seconds: float
) -> dict[str, object]:
    results: dict[str, object] = {}
    with serving(url, folder) as (_, ready_after):
        print(f"  ready from PostgreSQL alone        {ready_after:6.2f} s")
        results["ready from PostgreSQL, s"] = ready_after
    with serving(url, folder) as (port, ready_after):
        print(f"  ready from the saved index         {ready_after:6.2f} s")
        results["ready from the saved index, s"] = ready_after
        hashes_to_look_up, hits = queries(hashes, 5_000)
        singles = [json_request(key, each[None]) for each in hashes_to_look_up]
        run_load(port, singles, connections=8, seconds=1)  # warm-up
        full = run_load(port, singles, connections=8, seconds=seconds)
        results["1 per request"] = report("1 hash per request, 8 connections", full)
        rate = full.requests_per_second / 2
        half = run_load(port, singles, connections=64, seconds=seconds, per_second=rate)
        figures = report("... at half that rate", half) | report_hits(half, hits, len(singles))
        results["1 per request, half load"] = figures
        batches = queries(hashes, 20_000)[0].reshape(200, 100, 32)
        for encoding, make_request in (("JSON", json_request), ("raw bytes", raw_request)):
            requests = [make_request(key, each) for each in batches]
            run = run_load(port, requests, connections=4, seconds=seconds)
            name = f"100 per request, {encoding}"
            results[name] = report(name, run, 100)
    return results
