"""Notices that the database is a copy of another, restored from a backup say.

A copy begins where the backup ended, while readers of the feed may have gone on with the
original. Both number their changes the same, so the copy's log gets a name of its own.
"""

import logging

from ..models.audit import SERVICE, AuditEvent
from ..store import Store, audit, changes

logger = logging.getLogger(__name__)


async def settle(store: Store) -> None:
    """Rename the change log where this is not the database that it was named in.

    Raises StoreUnavailable.
    """
    async with store.transaction() as tx:
        here = await changes.here(tx)
        if await changes.origin(tx) == here:
            return
    async with store.transaction() as tx:
        await changes.lock(tx)
        kept = await changes.origin(tx)
        if kept == here:
            return  # another worker was faster
        await changes.move(tx, here)
        if kept is not None:
            await changes.rename_log(tx)
            await audit.append(tx, AuditEvent("log.renamed", SERVICE, None, {"why": "moved"}))
            logger.warning("this is a copy of another database; readers of the feed start again")
