"""Alerts for staff."""

from typing import Any

from psycopg.types.json import Jsonb

from ..models.alerts import Alert
from .statements import Transaction, execute, fetch_all, fetch_value


async def insert(
    tx: Transaction, kind: str, family_id: int | None, details: dict[str, Any]
) -> None:
    """Insert an alert for staff about a key family, or about none (None)."""
    await execute(tx, "insert_alert", kind=kind, family_id=family_id, details=Jsonb(details))


async def is_recent(tx: Transaction, kind: str, family_id: int | None, *, hours: int) -> bool:
    """Return whether staff were alerted to this in some hours, about the family's platform."""
    found = await fetch_value(tx, "is_recent_alert", kind=kind, family_id=family_id, hours=hours)
    return bool(found)


async def insert_for_suspects(tx: Transaction, kind: str, cause: str, hashes: int) -> None:
    """Alert staff to hashes that became suspect, once per hour: the queue has them all.

    Uploaders can bring about as many as they like, and must not bury other alerts.
    """
    if not await is_recent(tx, kind, None, hours=1):
        await insert(tx, kind, None, {"cause": cause, "hashes": hashes})


async def read(tx: Transaction, limit: int) -> list[Alert]:
    """Return the newest alerts, newest first."""
    return await fetch_all(tx, Alert, "read_alerts", limit=limit)
