"""Disputes: what a platform calls not intimate, and how far its word reaches."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class DisputeRules:
    """When a platform's dispute counts towards others.

    `wait_days`: only once the platform has been known for so long. `per_day`: only while so few of
    its disputes did in 24 hours; a request beyond that counts for none of its hashes.
    """

    wait_days: int = 7
    per_day: int = 20


@dataclass(frozen=True, slots=True)
class KnownHashes:
    """Ids of hashes that a platform has `met` (matched or received), and that it `submitted`."""

    met: frozenset[int]
    submitted: frozenset[int]


@dataclass(frozen=True, slots=True)
class DisputeRoom:
    """Whether a platform's word counts yet, and how many of its disputes did in 24 hours."""

    counts: bool
    counted: int


@dataclass(frozen=True, slots=True)
class PlatformDisputes:
    """How many records a platform disputes; `counted`: how many of them count towards others."""

    platform: str
    records: int
    counted: int
    since: datetime
