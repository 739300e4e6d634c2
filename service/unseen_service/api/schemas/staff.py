"""What staff see: the audit log."""

from typing import Any

from pydantic import BaseModel, Field


class AuditEntryOut(BaseModel):
    """One link of the audit log; docs/audit.md says how its digest is made."""

    position: int
    at: str = Field(examples=["2026-11-22T13:40:00.123456Z"])
    kind: str
    actor: str
    subject: str | None
    details: dict[str, Any]
    digest: str


class AuditHeadOut(BaseModel):
    """How far the log is."""

    position: int
    digest: str


class AuditOut(BaseModel):
    """A page of the audit log; ask again with `after` the last position for the next."""

    entries: list[AuditEntryOut]
    head: AuditHeadOut
