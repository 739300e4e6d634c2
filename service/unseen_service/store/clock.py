"""The clock that decides: PostgreSQL's, which every host has in common."""

from datetime import datetime

from .statements import Transaction, fetch_value


async def now(tx: Transaction) -> datetime:
    """Return the current time, not that of the transaction's start."""
    at: datetime = await fetch_value(tx, "now")
    return at
