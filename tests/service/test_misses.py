"""Look-ups that hit nothing: counted in memory, added up over workers, written when it stops."""

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


def recorded(service: RunningService) -> list[dict[str, object]]:
    with service.client("audit", platform="Staff") as staff:
        entries = staff.get("/v1/audit", params={"kind": "match.missed"}).json()["entries"]
    return [each for entry in entries for each in entry["details"]["keys"]]


def test_every_worker_writes_what_it_counted_when_it_stops(service: RunningService) -> None:
    pdq = random_pdq(1)
    httpx.post(f"{service.url}/v1/cases", json=submission(pdq))
    with serving(service.database_url) as one, serving(service.database_url) as two:
        for worker, calls in ((one, 2), (two, 3)):
            worker.wait_in_step()
            with worker.client("match", platform=f"P{calls}") as platform:
                for n in range(calls):
                    asked = [pdq, flipped(pdq, 3), random_pdq(50 + n), random_pdq(60 + n)]
                    answer = platform.post("/v1/match", json={"hashes": asked}).json()
                    assert len(answer["hits"]) == 2
        assert recorded(service) == [], "a miss costs no transaction"
    found = recorded(service)
    # A minute may have ended between two calls: then there are two entries of a worker.
    assert sum(int(str(each["calls"])) for each in found) == 5
    assert sum(int(str(each["hashes"])) for each in found) == 10
    assert len({each["key"] for each in found}) == 2


def test_counts_are_kept_while_the_database_is_away(database_url: str) -> None:
    async def run() -> None:
        away = Store("postgresql://127.0.0.1:1/nowhere", pool_size=1, timeout=0.2)
        await away.open()
        misses = MissCounter(away, Clock())
        misses.count(7, 10)
        with pytest.raises(StoreUnavailable):
            await misses.write()
        misses.count(7, 5)
        await away.close()
        back = Store(database_url, pool_size=1, timeout=10)
        await back.open()
        misses._store = back
        await misses.write()
        await misses.write()
        async with back.transaction() as tx:
            cursor = await tx.execute("SELECT details FROM audit_log")
            kept = [each for row in await cursor.fetchall() for each in row["details"]["keys"]]
        assert sum(each["calls"] for each in kept) == 2
        assert sum(each["hashes"] for each in kept) == 15
        await back.close()

    asyncio.run(run())
