"""What platforms have not answered in time, read by staff."""

from datetime import timedelta

from ..models.audit import Staff
from ..models.overdue import Overdue
from ..store import Store, audit, obligations
from .actors import event


async def read_overdue(
    store: Store, by: Staff, reason: str, hours: int, limit: int
) -> list[Overdue]:
    """List what has gone unanswered for more than so many hours, the oldest first.

    That it was read is an entry first.
    """
    async with store.transaction() as tx:
        await audit.append(tx, event(by, "overdue.listed", {"reason": reason, "limit": limit}))
    async with store.snapshot() as tx:
        return await obligations.overdue(tx, timedelta(hours=hours), limit)
