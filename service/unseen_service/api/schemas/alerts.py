"""Schemas of alerts."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from ...models.alerts import Alert


class AlertOut(BaseModel):
    """A notice to staff about a key family."""

    id: int
    at: datetime
    kind: str = Field(
        description="The kind of the audit entry that records the same event.",
        examples=["key.probing"],
    )
    key: int | None = Field(description="The ID of the first key of the family.")
    details: dict[str, Any] = Field(description="As in the audit entry.")

    @classmethod
    def of(cls, alert: Alert) -> "AlertOut":
        """Return an alert as the API shows it."""
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
