"""State that submissions are screened with."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class BenignHash:
    """A hash of the benign bank: `pdq` is 32 bytes, and hashes near it are rejected."""

    id: int
    pdq: bytes
    note: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class ScreeningState:
    """The state of screening that workers share.

    `level` is the number of hashes submitted in the last minute or so, `bank` the version of the
    benign bank, `secret` the key of proof-of-work challenges.
    """

    level: float
    bank: int
    secret: bytes = field(repr=False)
