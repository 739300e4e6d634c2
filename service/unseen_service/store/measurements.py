"""Metrics of the database as a whole, collected by one worker for all."""

from dataclasses import asdict
from datetime import timedelta

from psycopg.types.json import Jsonb

from ..models.measurements import DatabaseMetrics
from .statements import Transaction, execute, fetch_all, fetch_one, fetch_value


async def read(tx: Transaction) -> DatabaseMetrics | None:
    """Return what was collected last; None if nothing was, or by another version."""
    measured = await fetch_value(tx, "read_database_metrics")
    try:
        return DatabaseMetrics(**measured) if measured else None
    except TypeError:
        return None


async def try_claim_turn(tx: Transaction, seconds: float) -> bool:
    """Try to become the one that collects until the transaction ends.

    Return False if another worker does, or did within this many seconds.
    """
    return await fetch_one(tx, "claim_measuring", seconds=seconds) is not None


async def measure(tx: Transaction, overdue: timedelta) -> DatabaseMetrics:
    """Return the metrics now; an answer is overdue after `overdue`.

    No count goes beyond 100,000, so that none takes long.
    """
    (found,) = await fetch_all(tx, DatabaseMetrics, "measure_database", overdue=overdue)
    return found


async def store(tx: Transaction, measured: DatabaseMetrics) -> None:
    """Store metrics for every worker to report."""
    await execute(tx, "store_database_metrics", measured=Jsonb(asdict(measured)))
