"""Checkpoints that are handed out, and the witnesses that keep them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

CONTRADICTS = "it has seen another log"
"""How the failure of a witness begins that does not merely have a problem."""


class WitnessKind(StrEnum):
    """How a witness receives checkpoints."""

    FOLDER = "folder"
    WEBHOOK = "webhook"
    TLOG = "witness"


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness of the operator's list: a folder or a URL, and a webhook's secret or a key."""

    kind: WitnessKind
    target: str
    secret: bytes = field(default=b"", repr=False)
    verifier: str = ""

    @property
    def name(self) -> str:
        """What it is called in the database and in messages, without a password in a URL."""
        head, at, rest = self.target.rpartition("@")
        scheme = head.partition("://")[0] + "://" if at and "://" in head else ""
        return f"{self.kind} {scheme}{rest}"


@dataclass(frozen=True, slots=True)
class WitnessState:
    """What is known of a witness: the largest size that it has, and since when it is silent."""

    name: str
    size: int
    failure: str | None
    silent_s: float
    is_up_to_date: bool

    @property
    def contradicts(self) -> bool:
        """Whether it has seen another log, or a longer one."""
        return (self.failure or "").startswith(CONTRADICTS)


@dataclass(frozen=True, slots=True)
class PublishedCheckpoint:
    """The checkpoint that is handed out, and the signature lines of its witnesses."""

    size: int
    note: str
    signed_at: datetime
    age_s: float
    cosignatures: str

    @property
    def cosigned(self) -> str:
        """The note with all signatures."""
        return self.note + self.cosignatures
