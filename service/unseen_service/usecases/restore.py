"""After a restore: a new ID for the change log, if the service cannot see that one happened."""

from ..models.audit import AuditKind, Staff
from ..store import Store, audit, changes
from .actors import OPERATOR, staff_event


async def rename_log(store: Store, by: Staff = OPERATOR) -> None:
    """Assign the change log a new ID, so that every reader of the feed starts again.

    The service does so by itself if it finds itself in another database than before. A database
    that was restored in place looks the same from within.
    """
    async with store.transaction() as tx:
        await changes.lock(tx)
        await changes.rename_log(tx)
        await audit.append(tx, staff_event(by, AuditKind.LOG_RENAMED, {"why": "set back"}))
