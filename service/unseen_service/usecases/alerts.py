"""Alerts, read by staff."""

from ..models.alerts import Alert
from ..models.audit import AuditKind, Staff
from ..store import Store, alerts, audit
from .actors import staff_event


async def read_alerts(store: Store, by: Staff, reason: str, limit: int) -> list[Alert]:
    """Return the newest alerts, newest first; the audit log records that they were read."""
    async with store.transaction() as tx:
        found = await alerts.read(tx, limit)
        details = {"reason": reason, "alerts": len(found)}
        await audit.append(tx, staff_event(by, AuditKind.ALERTS_READ, details))
    return found
