"""Alerts for staff."""

from typing import Any

from psycopg.types.json import Jsonb

from ..models.alerts import Alert
from .pool import Transaction, execute, fetch_all


async def alert(tx: Transaction, kind: str, line: int, details: dict[str, Any]) -> None:
    """Tell staff of something that they should look at."""
    await execute(tx, "insert_alert", kind=kind, line=line, details=Jsonb(details))


async def alerts(tx: Transaction, limit: int) -> list[Alert]:
    """Read the newest alerts first."""
    return await fetch_all(tx, Alert, "read_alerts", limit=limit)
