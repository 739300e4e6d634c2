"""What is measured of the database as a whole, by whichever worker is the first in turn."""

from dataclasses import asdict
from datetime import timedelta

from psycopg.types.json import Jsonb

from ..models.measurements import DatabaseMetrics
from .pool import Transaction, execute, fetch_all


async def read(tx: Transaction) -> DatabaseMetrics | None:
    """Read what was measured last; None: nothing yet, or something else by another version."""
    row = await (await execute(tx, "read_vitals")).fetchone()
    if row is None or row["measured"] is None:
        return None
    try:
        return DatabaseMetrics(**row["measured"])
    except TypeError:
        return None


async def take(tx: Transaction, seconds: float) -> bool:
    """Become the one who measures until the transaction ends.

    False where another is at it, or has been in the last so many seconds.
    """
    return await (await execute(tx, "take_vitals", seconds=seconds)).fetchone() is not None


async def measure(tx: Transaction, overdue: timedelta) -> DatabaseMetrics:
    """Measure; no count goes beyond 100,000, so that none takes long.

    An answer is overdue after such a time.
    """
    (found,) = await fetch_all(tx, DatabaseMetrics, "measure_vitals", overdue=overdue)
    return found


async def keep(tx: Transaction, measured: DatabaseMetrics) -> None:
    """Keep what was measured, for all."""
    await execute(tx, "keep_vitals", measured=Jsonb(asdict(measured)))
