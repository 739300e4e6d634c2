"""What submissions are screened against."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class BenignHash:
    """A hash of a harmless picture (a logo, a meme, a stock photo): nothing near it is taken."""

    id: int
    pdq: bytes
    note: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class ScreeningState:
    """What a worker needs to know of intake: hashes submitted of late, which bank, the secret."""

    level: float
    bank: int
    secret: bytes = field(repr=False)
