"""The locks on the heads of the logs: nobody holds them for long, not even a lost session."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import httpx
import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.pq import ExecStatus
from unseen_service.errors import StoreUnavailable
from unseen_service.store import Store, Transaction, audit, changes, lookups
from unseen_service.store.sql import SQL

from tests.support.databases import query
from tests.support.hashes import new_pdq
from tests.support.problems import problem_slug
from tests.support.running_service import serving
from tests.support.submissions import post_hashes, submit
from tests.support.waiting import PATIENCE_S, wait_until

WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
LOCKS = "lock_change_head", "lock_audit_head"
PATIENCE = 1.0
"""Seconds after which PostgreSQL, in these tests, ends lock waits and idle transactions."""


def impatient(url: str) -> str:
    """Return the URL for sessions that time out sooner than the service's."""
    settings = "idle_in_transaction_session_timeout", "lock_timeout"
    options = " ".join(f"-c {name}={PATIENCE * 1_000:.0f}" for name in settings)
    return make_conninfo(url, options=options)


def has_failed(waiter: psycopg.Connection) -> bool:
    """Return whether the second of two statements failed. Waits for it."""
    results = [waiter.pgconn.get_result(), waiter.pgconn.get_result()]
    return [each.status for each in results if each][-1] == ExecStatus.FATAL_ERROR


@pytest.mark.parametrize("lock", LOCKS)
def test_all_queued_sessions_time_out_together(database_url: str, lock: str) -> None:
    """Otherwise a lost session in the queue would get the lock next, and keep it."""
    with ExitStack() as stack:
        holder = stack.enter_context(psycopg.connect(database_url))
        holder.execute(SQL[lock])
        waiters = [
            stack.enter_context(closing(psycopg.connect(impatient(database_url)))) for _ in range(6)
        ]
        for each in waiters:
            each.pgconn.send_query(b"BEGIN; " + SQL[lock])
            each.pgconn.flush()
        time.sleep(1.7 * PATIENCE)
        holder.rollback()
        assert [each for each in waiters if not has_failed(each)] == []


def test_requests_that_wait_for_a_lock_are_told_that_it_is_busy(database_url: str) -> None:
    """Not that the database is unavailable: others use it, and reads are answered."""
    with serving(impatient(database_url)) as service, psycopg.connect(database_url) as holder:
        holder.execute(SQL["lock_change_head"])
        refused = post_hashes(service, new_pdq())
        assert (refused.status_code, problem_slug(refused)) == (503, "busy")
        assert refused.headers["retry-after"]
        assert "database" not in refused.text
        assert service.is_ready()
        holder.rollback()
        assert post_hashes(service, new_pdq()).status_code == 201


def test_submissions_that_wait_leave_connections_to_lookups(database_url: str) -> None:
    """A hundred of them took every connection to PostgreSQL, and each hit was answered 503."""
    with serving(impatient(database_url)) as service, psycopg.connect(database_url) as holder:
        stored = new_pdq()
        submit(service, stored)
        service.wait_in_step()
        with service.client("match") as platform, ThreadPoolExecutor(20) as pool:
            holder.execute(SQL["lock_change_head"])
            waiting = [pool.submit(post_hashes, service, new_pdq()) for _ in range(20)]
            most = 0
            for _ in range(10):  # the submissions come one after another: their PINs are hashed
                time.sleep(PATIENCE / 10)
                ((count,),) = query(database_url, WAITING)
                most = max(most, count)
            answer = platform.post("/v1/match", json={"hashes": [stored]})
            assert (answer.status_code, len(answer.json()["hits"])) == (200, 1)
            holder.rollback()
            assert most == 1
            answers = [each.result().status_code for each in waiting]
        assert set(answers) <= {201, 503}
        assert 201 in answers


def test_hits_of_one_platform_leave_connections_to_others(database_url: str) -> None:
    """A hundred lookups near stored hashes took every connection to PostgreSQL."""
    with serving(impatient(database_url), pool_size=4) as service:
        stored = new_pdq()
        submit(service, stored)
        service.wait_in_step()
        keys = [service.key("match", platform=name) for name in ("Greedy", "Other")]
        with psycopg.connect(database_url) as holder, ThreadPoolExecutor(20) as pool:

            def look_up(key: str) -> httpx.Response:
                return httpx.post(
                    f"{service.url}/v1/match",
                    json={"hashes": [stored]},
                    headers={"Authorization": f"Bearer {key}"},
                    timeout=PATIENCE_S,
                )

            holder.execute(SQL["lock_audit_head"])
            greedy = [pool.submit(look_up, keys[0]) for _ in range(16)]
            wait_until(lambda: query(database_url, WAITING) == [(2,)])
            time.sleep(PATIENCE / 4)
            assert query(database_url, WAITING) == [(2,)]
            other = pool.submit(look_up, keys[1])
            wait_until(lambda: query(database_url, WAITING) == [(3,)])
            holder.rollback()
            assert other.result().status_code == 200
            assert {each.result().status_code for each in greedy} <= {200, 503}


async def _lock_both(tx: Transaction) -> None:
    await changes.lock(tx)
    await audit.lock(tx)


@pytest.mark.parametrize("lock", [changes.lock, audit.lock, _lock_both])
def test_service_outwaits_the_lock_timeout(
    database_url: str, lock: Callable[[Transaction], Awaitable[object]]
) -> None:
    """It waits until PostgreSQL has terminated a lost session that holds the lock."""

    async def run() -> None:
        store = Store(impatient(database_url))
        await store.open()
        try:
            async with await psycopg.AsyncConnection.connect(database_url) as holder:
                for statement in LOCKS:
                    await holder.execute(SQL[statement])
                waiting = asyncio.create_task(_lock(store, lock))
                await asyncio.sleep(1.5 * PATIENCE)
                assert not waiting.done()
                await holder.rollback()
                await waiting
        finally:
            await store.close()

    asyncio.run(run())


async def _lock(store: Store, lock: Callable[[Transaction], Awaitable[object]]) -> None:
    async with store.transaction() as tx:
        await lock(tx)


@pytest.mark.parametrize("confirmed", [False, True])
def test_stalled_lookup_transaction_is_terminated(database_url: str, confirmed: bool) -> None:
    async def run() -> None:
        store = Store(impatient(database_url))
        await store.open()
        try:
            async with store.transaction() as tx, tx.pipeline():
                await audit.lock(tx)
                if confirmed:
                    await lookups.confirm(tx, 1, [1])
                await asyncio.sleep(2.5 * PATIENCE)
                await tx.commit()
        finally:
            await store.close()

    with pytest.raises(StoreUnavailable):
        asyncio.run(run())
