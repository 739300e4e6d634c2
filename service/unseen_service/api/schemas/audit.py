"""The audit log, as staff see it."""

from typing import Any

from pydantic import BaseModel, Field

from .common import Wire


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


class ReferenceIn(Wire):
    """A case, by its number; in the body, so that no address or log of one holds it."""

    case: str = Field(max_length=32, examples=["UN-7K4M-9QTX"])


class ReferenceOut(BaseModel):
    """What the audit log calls the case: the `subject` of its entries."""

    reference: str = Field(examples=["5b0c1c1e-6f5d-4b7e-9a55-0d6a1a1f6a0e"])


class VerificationIn(Wire):
    """What came of verifying the log, wherever that was done."""

    fits: bool
    position: int = Field(
        ge=1, lt=1 << 53, description="How many entries fit; or the first that does not."
    )
    root: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="The Merkle root of the entries that fit, in hex. It is compared, not kept.",
    )


class VerificationOut(BaseModel):
    """Whether the root is that of the service's own log; null where none was given."""

    same_root: bool | None
