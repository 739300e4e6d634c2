"""Misses are counted in memory, and written to the audit log when a worker stops."""

import asyncio

import httpx
import pytest
from unseen_service.errors import StoreUnavailable
from unseen_service.live.clock import Clock
from unseen_service.live.miss_counter import MissCounter
from unseen_service.store import Store

from tests.support.hashes import flipped, random_pdq
from tests.support.running_service import RunningService, serving
from tests.support.submissions import submission


def recorded_misses(service: RunningService) -> list[dict[str, object]]:
    with service.client("audit", platform="Staff") as staff:
        entries = staff.get("/v1/audit", params={"kind": "match.missed"}).json()["entries"]
    return [each for entry in entries for each in entry["details"]["keys"]]


def test_every_worker_writes_its_counts_when_it_stops(service: RunningService) -> None:
    pdq = random_pdq(1)
    httpx.post(f"{service.url}/v1/cases", json=submission(pdq))
    with serving(service.database_url) as one, serving(service.database_url) as two:
        for worker, calls in ((one, 2), (two, 3)):
            worker.wait_in_step()
            with worker.client("match", platform=f"P{calls}") as platform:
                for n in range(calls):
                    pdqs = [pdq, flipped(pdq, 3), random_pdq(50 + n), random_pdq(60 + n)]
                    answer = platform.post("/v1/match", json={"hashes": pdqs}).json()
                    assert len(answer["hits"]) == 2
        assert recorded_misses(service) == [], "a miss costs no transaction"
    found = recorded_misses(service)
    # If a minute ended between two calls, a worker wrote two entries.
    assert sum(int(str(each["calls"])) for each in found) == 5
    assert sum(int(str(each["hashes"])) for each in found) == 10
    assert len({each["key"] for each in found}) == 2


def test_counts_are_kept_while_the_database_is_unavailable(database_url: str) -> None:
    async def run() -> None:
        unavailable = Store("postgresql://127.0.0.1:1/nowhere", pool_size=1, timeout=0.2)
        await unavailable.open()
        misses = MissCounter(unavailable, Clock())
        misses.count(7, 10)
        with pytest.raises(StoreUnavailable):
            await misses.write()
        misses.count(7, 5)
        await unavailable.close()
        available = Store(database_url, pool_size=1, timeout=10)
        await available.open()
        misses._store = available
        await misses.write()
        await misses.write()
        async with available.transaction() as tx:
            cursor = await tx.execute("SELECT details FROM audit_log WHERE kind = 'match.missed'")
            counts = [each for row in await cursor.fetchall() for each in row["details"]["keys"]]
        assert sum(each["calls"] for each in counts) == 2
        assert sum(each["hashes"] for each in counts) == 15
        await available.close()

    asyncio.run(run())
