"""Alerts, read by staff."""

from ..models.alerts import Alert
from ..models.audit import Staff
from ..store import Store, alerts, audit
from .actors import event


async def read_alerts(store: Store, by: Staff, reason: str, limit: int) -> list[Alert]:
    """Read the newest alerts first; that they were read is an entry."""
    async with store.transaction() as tx:
        found = await alerts.alerts(tx, limit)
        details = {"reason": reason, "alerts": len(found)}
        await audit.append(tx, event(by, "alerts.read", details))
    return found
