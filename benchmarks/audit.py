"""The audit log: appending (and the hashing part of it), verifying the log, inclusion proofs."""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from unseen_service.embedded_postgres import EmbeddedPostgres
from unseen_service.models.audit import AuditEvent
from unseen_service.store import Store, audit, migrate
from unseen_service.tlog import merkle
from unseen_service.tlog.chain import grow_tree

from .support.command import benchmark_parser, write_results

EVENT = AuditEvent(
    "match.hit",
    "platform:Example",
    None,
    {"key": 1, "asked": 1, "hits": [{"query": 0, "record": "r" * 36, "distance": 4}]},
)
SINGLES, BULK, PROOFS = 1_000, 20_000, 200


def main(arguments: list[str]) -> None:
    benchmark_parser("audit", __doc__).parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="unseen-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with EmbeddedPostgres(folder / "data") as server:
            url = server.start()
            migrate(url)
            results = asyncio.run(_measure(url))
    write_results("audit", results)


async def _measure(url: str) -> dict[str, float]:
    store = Store(url, pool_size=2, timeout=30)
    await store.open()
    try:
        singles = [await _append(store, 1) for _ in range(SINGLES)]
        results = {
            "append, one per transaction, median us": statistics.median(singles) * 1e6,
            "append, all in one transaction, us": await _append(store, BULK) / BULK * 1e6,
            "of which the Merkle tree, us": _tree_seconds() * 1e6,
        }
        async with store.snapshot() as tx:
            start = time.perf_counter()
            end = await audit.verify(tx)
            results["verify, entries/s"] = end.position / (time.perf_counter() - start)
            start = time.perf_counter()
            for number in range(PROOFS):
                entry = number * 97 % end.position
                await audit.span_hashes(tx, merkle.inclusion(entry, end.position))
            results["inclusion proof, ms"] = (time.perf_counter() - start) / PROOFS * 1e3
    finally:
        await store.close()
    for name, value in results.items():
        print(f"{name:<40} {value:>10,.2f}")
    return results


async def _append(store: Store, count: int) -> float:
    """Append events in one transaction; return the time taken, in seconds."""
    start = time.perf_counter()
    async with store.transaction() as tx:
        for _ in range(count):
            await audit.append(tx, EVENT)
    return time.perf_counter() - start


def _tree_seconds() -> float:
    """Return the time to add one leaf to the Merkle tree, in seconds."""
    peaks = b""
    start = time.perf_counter()
    for size in range(BULK):
        peaks, _ = grow_tree(size, peaks, bytes(300))
    return (time.perf_counter() - start) / BULK
