"""The operator's flow after the database was set back to an earlier moment."""

from ..models.audit import Staff
from ..store import Store, audit, changes
from .actors import OPERATOR, event


async def rename_log(store: Store, by: Staff = OPERATOR) -> None:
    """Give the change log another name, so that whoever reads the feed starts again.

    The service does so by itself where it finds itself in another database than before; set back
    in its place, a database looks the same from within.
    """
    async with store.transaction() as tx:
        await changes.lock(tx)
        await changes.rename_log(tx)
        await audit.append(tx, event(by, "log.renamed", {"why": "set back"}))
