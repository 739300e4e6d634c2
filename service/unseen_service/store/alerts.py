"""Alerts for staff."""

from typing import Any

from psycopg.types.json import Jsonb

from ..models.alerts import Alert
from .statements import Transaction, execute, fetch_all


async def insert(tx: Transaction, kind: str, family_id: int, details: dict[str, Any]) -> None:
    """Insert an alert for staff about a key family."""
    await execute(tx, "insert_alert", kind=kind, family_id=family_id, details=Jsonb(details))


async def read(tx: Transaction, limit: int) -> list[Alert]:
    """Return the newest alerts, newest first."""
    return await fetch_all(tx, Alert, "read_alerts", limit=limit)
