"""What the audit log costs: an append (beside its bare hashing), the whole walk, a proof."""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from unseen_service.embedded_postgres import EmbeddedPostgres
from unseen_service.models.audit import AuditEvent
from unseen_service.store import Store, audit, migrate
from unseen_service.tlog import merkle
from unseen_service.tlog.chain import nodes_of

EVENT = AuditEvent(
    "match.hit",
    "platform:Example",
    None,
    {"key": 1, "asked": 1, "hits": [{"query": 0, "record": "r" * 36, "distance": 4}]},
)
SINGLES, BULK, PROOFS = 1_000, 20_000, 200


def main(_: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="unseen-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with EmbeddedPostgres(folder / "data") as server:
            url = server.start()
            migrate(url)
            asyncio.run(_measure(url))


async def _measure(url: str) -> None:
    store = Store(url, pool_size=2, timeout=30)
    await store.open()
    singles = [await _append(store, 1) for _ in range(SINGLES)]
    print(f"append, a transaction each   {statistics.median(singles) * 1e6:8.0f} us (median)")
    print(f"append, one transaction      {await _append(store, BULK) / BULK * 1e6:8.0f} us")
    print(f"of it, growing the tree      {_growing() * 1e6:8.1f} us")
    async with store.snapshot() as tx:
        started = time.perf_counter()
        end = await audit.verify(tx)
        speed = end.position / (time.perf_counter() - started)
        print(f"verify                       {speed:8.0f} entries a second")
        started = time.perf_counter()
        for n in range(PROOFS):
            await audit.span_hashes(tx, merkle.inclusion(n * 97 % end.position, end.position))
        each = (time.perf_counter() - started) / PROOFS
        print(f"inclusion proof              {each * 1e3:8.2f} ms")
    await store.close()


async def _append(store: Store, count: int) -> float:
    started = time.perf_counter()
    async with store.transaction() as tx:
        for _ in range(count):
            await audit.append(tx, EVENT)
    return time.perf_counter() - started


def _growing() -> float:
    peaks = b""
    started = time.perf_counter()
    for size in range(BULK):
        peaks, _ = nodes_of(size, peaks, bytes(300))
    return (time.perf_counter() - started) / BULK
