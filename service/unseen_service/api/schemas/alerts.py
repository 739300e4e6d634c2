"""Alerts, as staff see them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from ...models.alerts import Alert


class AlertOut(BaseModel):
    """Something that staff should look at; `key` is the first key of its line."""

    id: int
    at: datetime
    kind: str = Field(examples=["key.probing"])
    key: int | None
    details: dict[str, Any]

    @classmethod
    def of(cls, alert: Alert) -> "AlertOut":
        """Show an alert."""
        return cls(
            id=alert.id,
            at=alert.at,
            kind=alert.kind,
            key=alert.family_id,
            details=dict(alert.details),
        )


class AlertsOut(BaseModel):
    """Alerts, newest first."""

    alerts: list[AlertOut]
