"""The change log: one numbered entry per activation, removal or update of a hash."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class ChangeKind(StrEnum):
    """What the change log says of a hash."""

    ADD = "add"
    REMOVE = "remove"
    STANDING = "standing"
    FEEDBACK = "feedback"


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the change log; `pdq` is None where the hash may not be matched now."""

    position: int
    at: datetime
    kind: ChangeKind
    hash_id: int
    pdq: bytes | None = field(repr=False)
