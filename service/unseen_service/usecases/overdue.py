"""What platforms have not answered in time, read by staff."""

from datetime import timedelta

from ..models.audit import AuditKind, Staff
from ..models.overdue import Overdue
from ..store import Store, audit, obligations
from .actors import staff_event


async def read_overdue(
    store: Store, by: Staff, reason: str, hours: int, limit: int
) -> list[Overdue]:
    """Return what platforms have owed for more than `hours`, oldest first.

    The audit log records first that it was read.
    """
    async with store.transaction() as tx:
        await audit.append(
            tx, staff_event(by, AuditKind.OVERDUE_LISTED, {"reason": reason, "limit": limit})
        )
    async with store.snapshot() as tx:
        return await obligations.overdue(tx, timedelta(hours=hours), limit)
