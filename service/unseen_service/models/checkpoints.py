"""Checkpoints that are handed out, and the witnesses that keep them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from urllib.parse import urlsplit

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
        """Return what messages call it: a URL may hold a secret, so its host and a digest."""
        if self.kind is WitnessKind.FOLDER:
            return f"{self.kind} {self.target}"
        which = sha256(self.target.encode()).hexdigest()[:8]
        return f"{self.kind} {urlsplit(self.target).hostname} ({which})"


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
