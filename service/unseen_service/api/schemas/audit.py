"""Schemas of the audit log."""

from typing import Any

from pydantic import BaseModel, Field

from .common import RequestModel


class AuditEntryOut(BaseModel):
    """An entry of the audit log; docs/audit.md specifies its digest."""

    position: int = Field(description="Its number, from 1, without gaps.")
    at: str = Field(examples=["2026-11-22T13:40:00.123456Z"])
    kind: str = Field(description="The event.", examples=["review.decided"])
    actor: str = Field(description="Who did it.", examples=["platform:Example"])
    subject: str | None = Field(description="The reference of the case that it concerns, if any.")
    details: dict[str, Any] = Field(description="Depends on the kind; see docs/audit.md.")
    digest: str = Field(description="SHA-256 over the entry and the previous digest, in hex.")


class AuditHeadOut(BaseModel):
    """The last entry of the audit log."""

    position: int
    digest: str = Field(description="In hex.")


class AuditOut(BaseModel):
    """A page of the audit log."""

    entries: list[AuditEntryOut]
    head: AuditHeadOut


class ReferenceIn(RequestModel):
    """A case, by its number; in the body, so that URLs and their logs do not contain it."""

    case: str = Field(
        max_length=32, description="The number of the case.", examples=["UN-7K4M-9QTX"]
    )


class ReferenceOut(BaseModel):
    """The reference of a case."""

    reference: str = Field(
        description="The `subject` of the audit entries about the case.",
        examples=["5b0c1c1e-6f5d-4b7e-9a55-0d6a1a1f6a0e"],
    )


class VerificationIn(RequestModel):
    """The result of a verification of the audit log."""

    fits: bool = Field(description="Whether every entry fits its digest and the checkpoint.")
    position: int = Field(
        ge=1,
        lt=1 << 53,
        description="If the log fits, the last entry; otherwise the first that does not.",
    )
    root: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="The Merkle root that you computed of the entries that fit, in hex. It is "
        "compared, not stored.",
    )


class VerificationOut(BaseModel):
    """The service's comparison with its own log."""

    same_root: bool | None = Field(
        description="Whether the service's own log has the same root; null if you sent none."
    )
