"""The clock that decides: PostgreSQL's, which is one and the same for every host."""

from datetime import datetime

from .pool import Transaction, execute


async def now(tx: Transaction) -> datetime:
    """Say what time it is, at this moment and not when the transaction began."""
    row = await (await execute(tx, "now")).fetchone()
    if row is None:
        raise LookupError("PostgreSQL did not say what time it is")
    at: datetime = row["now"]
    return at
