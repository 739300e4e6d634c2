"""Alerts for staff."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Alert:
    """A notice to staff about a key family."""

    id: int
    at: datetime
    kind: str
    family_id: int | None
    details: Mapping[str, Any]
