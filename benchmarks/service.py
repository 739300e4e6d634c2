"""Look-ups through the whole service: one worker, the client on the same cores, audit on."""

import argparse
import asyncio
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
import psycopg
from psycopg import sql
from unseen_service.embedded_postgres import EmbeddedPostgres
from unseen_service.models.keys import NewKey, Scope
from unseen_service.store import Store, migrate
from unseen_service.usecases import actors, keys

from benchmarks.load import Measured, as_http, measure

RESULTS = Path("benchmarks/results/service.json")
HITS_PER_HUNDRED = 1
JSON, RAW = "application/json", "application/octet-stream"


def fill(url: str, count: int) -> np.ndarray:
    """Put uniform random hashes into an empty database, as submissions would have; return them."""
    hashes = np.random.default_rng(1).integers(0, 256, (count, 32), np.uint8)
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        # Without the checks of foreign keys, which would take as long again for each row.
        cursor.execute("SET LOCAL session_replication_role = replica")
        unique = _dropped(cursor, "hashes")
        cursor.execute("INSERT INTO cases (number, pin_salt, pin_digest) VALUES ('UN-B', '', '')")
        with cursor.copy("COPY hashes (pdq, active) FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(["bytea", "bool"])
            for row in hashes:
                copy.write_row((row.tobytes(), True))
        # Sorted once: ten million random values, each put in its place, would take minutes.
        cursor.execute(unique)
        cursor.execute(
            "INSERT INTO images (case_id, number, convention)"
            " SELECT 1, id, 'pdq-srgb-full-1' FROM hashes"
        )
        cursor.execute(
            "INSERT INTO image_hashes (image_id, view, hash_id, quality)"
            " SELECT id, 'original', number, 100 FROM images"
        )
        cursor.execute(
            "WITH head AS (UPDATE change_head SET position = %s, at = now() RETURNING at)"
            " INSERT INTO changes (position, kind, hash_id, at)"
            " SELECT id, 'add', id, at FROM hashes, head",
            [count],
        )
        cursor.execute("ANALYZE")
    with psycopg.connect(url, autocommit=True) as connection:
        # What so many rows leave to be written would disturb what is measured.
        connection.execute("CHECKPOINT")
    return hashes


def _dropped(cursor: psycopg.Cursor, table: str) -> sql.Composed:
    """Drop a table's unique constraints; return the statement that adds them again."""
    cursor.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = %s::regclass AND contype = 'u'",
        [table],
    )
    constraints = [(sql.Identifier(name), sql.SQL(what)) for name, what in cursor.fetchall()]
    altered = sql.SQL("ALTER TABLE {} ").format(sql.Identifier(table))
    for name, _ in constraints:
        cursor.execute(altered + sql.SQL("DROP CONSTRAINT {}").format(name))
    added = [sql.SQL("ADD CONSTRAINT {} {}").format(*each) for each in constraints]
    return altered + sql.SQL(", ").join(added)


@contextmanager
def serving(url: str, folder: Path) -> Iterator[tuple[int, float]]:
    """Serve from one worker; yield its port, and the seconds until it was ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("unseen-service")), "serve"]
    # Without budgets: they would be what is measured.
    unlimited = {"UNSEEN_REQUESTS_PER_MINUTE": "0", "UNSEEN_HASHES_PER_MINUTE": "0"}
    environment = {**os.environ, **unlimited, "DATABASE_URL": url}
    begun = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--port", str(port), "--data", str(folder)],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        while not _ready(port):
            time.sleep(0.02)
        yield port, time.perf_counter() - begun
    finally:
        process.terminate()
        process.wait(timeout=30)


def _ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=60).status_code == 200
    except httpx.TransportError:
        return False


def issued(url: str) -> str:
    """Issue a key for look-ups."""

    async def ask() -> str:
        store = Store(url, pool_size=1, timeout=10)
        await store.open()
        try:
            new = NewKey("Bench", frozenset({Scope.MATCH}))
            return (await keys.issue_key(store, new, actors.operator("bench"))).key
        finally:
            await store.close()

    return asyncio.run(ask())


def queries(hashes: np.ndarray, count: int) -> tuple[np.ndarray, list[int]]:
    """Make look-ups; one in a hundred is a kept hash, three bits off: these are named too."""
    rng = np.random.default_rng(2)
    asked = rng.integers(0, 256, (count, 32), np.uint8)
    hit = rng.choice(count, count * HITS_PER_HUNDRED // 100, replace=False)
    asked[hit] = hashes[rng.integers(0, len(hashes), len(hit))]
    asked[hit, 0] ^= 7
    return asked, hit.tolist()


def single(key: str, asked: np.ndarray) -> list[bytes]:
    return [as_json(key, one[None]) for one in asked]


def as_json(key: str, asked: np.ndarray) -> bytes:
    body = json.dumps({"hashes": [one.tobytes().hex() for one in asked]}).encode()
    return as_http("/v1/match", key, JSON, body)


def as_raw(key: str, asked: np.ndarray) -> bytes:
    return as_http("/v1/match", key, RAW, asked.tobytes())


def report(name: str, measured: Measured, hashes: int = 1) -> dict[str, float]:
    """Print a line; return it for the file."""
    told = {
        "hashes/s": measured.requests_per_second * hashes,
        "p50 ms": measured.ms(50),
        "p99 ms": measured.ms(99),
    }
    print(
        f"  {name:<34} {told['hashes/s']:>10,.0f} hashes/s   "
        f"p50 {told['p50 ms']:6.2f} ms   p99 {told['p99 ms']:6.2f} ms",
        flush=True,
    )
    return told


def report_hits(measured: Measured, hits: list[int], requests: int) -> dict[str, float]:
    """Print hits, which are confirmed and recorded in PostgreSQL, apart from misses."""
    misses = set(range(requests)) - set(hits)
    told = {
        f"{what} {percentile} ms": measured.ms(float(percentile[1:]), among)
        for what, among in (("misses", misses), ("hits", set(hits)))
        for percentile in ("p50", "p99")
    }
    print("    " + "   ".join(f"{name[:-3]} {ms:.2f} ms" for name, ms in told.items()), flush=True)
    return told


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks service")
    parser.add_argument("--hashes", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=5.0)
    given = parser.parse_args(arguments)
    print(f"The service, one worker, {given.hashes:,} hashes, 1 % hits, audit on")
    with tempfile.TemporaryDirectory(prefix="unseen-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with EmbeddedPostgres(folder / "postgres") as server:
            url = server.start()
            migrate(url)
            hashes = fill(url, given.hashes)
            key = issued(url)
            results = measured_service(url, folder / "data", key, hashes, given.seconds)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1))


def measured_service(
    url: str, folder: Path, key: str, hashes: np.ndarray, seconds: float
) -> dict[str, object]:
    results: dict[str, object] = {}
    with serving(url, folder) as (_, took):
        print(f"  ready from PostgreSQL alone        {took:6.2f} s")
        results["ready from PostgreSQL, s"] = took
    with serving(url, folder) as (port, took):
        print(f"  ready from the saved index         {took:6.2f} s")
        results["ready from the saved index, s"] = took
        asked, hits = queries(hashes, 5_000)
        ones = single(key, asked)
        measure(port, ones, connections=8, seconds=1)
        full = measure(port, ones, connections=8, seconds=seconds)
        results["one a call"] = report("one hash a call, 8 connections", full)
        rate = full.requests_per_second / 2
        half = measure(port, ones, connections=64, seconds=seconds, per_second=rate)
        told = report("... at half of that load", half) | report_hits(half, hits, len(ones))
        results["one a call, half load"] = told
        batches = queries(hashes, 20_000)[0].reshape(200, 100, 32)
        for name, write in (("JSON", as_json), ("raw bytes", as_raw)):
            requests = [write(key, each) for each in batches]
            many = measure(port, requests, connections=4, seconds=seconds)
            results[f"100 a call, {name}"] = report(f"100 hashes a call, {name}", many, 100)
    return results
