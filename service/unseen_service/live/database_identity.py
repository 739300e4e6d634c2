"""Notices that the database is a copy of another, for example restored from a backup.

A copy starts at the end of the backup, while readers of the feed may have continued with the
original. Both number their changes alike, so the copy's change log gets an ID of its own.
"""

import logging

from ..models.audit import SERVICE, AuditEvent, AuditKind
from ..store import Store, audit, changes

logger = logging.getLogger(__name__)


async def ensure_log_id(store: Store) -> None:
    """Assign the change log a new ID if this is not the database in which it got its ID.

    Raises StoreUnavailable.
    """
    async with store.transaction() as tx:
        identity = await changes.database_identity(tx)
        if await changes.log_origin(tx) == identity:
            return
    async with store.transaction() as tx:
        await changes.lock(tx)
        origin = await changes.log_origin(tx)
        if origin == identity:
            return  # another worker was faster
        await changes.set_log_origin(tx, identity)
        if origin is not None:
            await changes.rename_log(tx)
            event = AuditEvent(AuditKind.LOG_RENAMED, SERVICE, None, {"why": "moved"})
            await audit.append(tx, event)
            logger.warning("this is a copy of another database; readers of the feed start again")
