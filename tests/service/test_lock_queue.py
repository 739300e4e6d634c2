"""What all need is held by one at a time, and not for long by who vanishes with it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, closing

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.pq import ExecStatus
from unseen_service.errors import StoreUnavailable
from unseen_service.store import Store, Transaction, audit, changes, lookups
from unseen_service.store.sql import SQL

LOCKS = "lock_change_head", "lock_audit_head"
PATIENCE = 1.0
"""Seconds after which the server gives up, in these tests, who waits and who says nothing."""


def impatient(url: str) -> str:
    """Give the URL for sessions that are given up sooner than the service's."""
    settings = "idle_in_transaction_session_timeout", "lock_timeout"
    options = " ".join(f"-c {name}={PATIENCE * 1_000:.0f}" for name in settings)
    return make_conninfo(url, options=options)


def refused(waiter: psycopg.Connection) -> bool:
    """Wait for what came of the last statement of two."""
    results = [waiter.pgconn.get_result(), waiter.pgconn.get_result()]
    return [each.status for each in results if each][-1] == ExecStatus.FATAL_ERROR


@pytest.mark.parametrize("lock", LOCKS)
def test_all_queued_sessions_time_out_together(database_url: str, lock: str) -> None:
    """Else one of a crowd that vanished would be given what the first of it had held."""
    with ExitStack() as stack:
        holder = stack.enter_context(psycopg.connect(database_url))
        holder.execute(SQL[lock])
        crowd = [
            stack.enter_context(closing(psycopg.connect(impatient(database_url)))) for _ in range(6)
        ]
        for each in crowd:
            each.pgconn.send_query(b"BEGIN; " + SQL[lock])
            each.pgconn.flush()
        time.sleep(1.7 * PATIENCE)
        holder.rollback()
        assert [each for each in crowd if not refused(each)] == []


async def _take_both(tx: Transaction) -> None:
    await changes.lock(tx)
    await audit.lock(tx)


@pytest.mark.parametrize("take", [changes.lock, audit.lock, _take_both])
def test_service_outwaits_the_lock_timeout(
    database_url: str, take: Callable[[Transaction], Awaitable[object]]
) -> None:
    """Than the server waits before it gives up the session that holds what is waited for."""

    async def run() -> None:
        store = Store(impatient(database_url))
        await store.open()
        try:
            async with await psycopg.AsyncConnection.connect(database_url) as holder:
                for lock in LOCKS:
                    await holder.execute(SQL[lock])
                taking = asyncio.create_task(_taken(store, take))
                await asyncio.sleep(1.5 * PATIENCE)
                assert not taking.done()
                await holder.rollback()
                await taking
        finally:
            await store.close()

    asyncio.run(run())


async def _taken(store: Store, take: Callable[[Transaction], Awaitable[object]]) -> None:
    async with store.transaction() as tx:
        await take(tx)


@pytest.mark.parametrize("confirmed", [False, True])
def test_stalled_lookup_transaction_is_terminated(database_url: str, confirmed: bool) -> None:
    async def run() -> None:
        store = Store(impatient(database_url))
        await store.open()
        try:
            async with store.transaction() as tx, tx.pipeline():
                await audit.lock(tx)
                if confirmed:
                    await lookups.confirm(tx, [1])
                await asyncio.sleep(2.5 * PATIENCE)
                await tx.commit()
        finally:
            await store.close()

    with pytest.raises(StoreUnavailable):
        asyncio.run(run())
