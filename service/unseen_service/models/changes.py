"""The change log: one numbered entry per activation, removal or update of a hash."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class ChangeKind(StrEnum):
    """How a hash changed."""

    ADD = "add"
    REMOVE = "remove"
    STANDING = "standing"
    FEEDBACK = "feedback"


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the change log; `pdq` (32 bytes) is None if the hash may not match now."""

    position: int
    at: datetime
    kind: ChangeKind
    hash_id: int
    pdq: bytes | None = field(repr=False)
