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


async def is_recent(tx: Transaction, kind: str, family_id: int) -> bool:
    """Return whether staff were alerted to this about the family's platform in 24 hours."""
    return bool(await fetch_value(tx, "is_recent_alert", kind=kind, family_id=family_id))


async def read(tx: Transaction, limit: int) -> list[Alert]:
    """Return the newest alerts, newest first."""
    return await fetch_all(tx, Alert, "read_alerts", limit=limit)
