"""The audit log: who acts, what is recorded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Staff:
    """Who does something to the service: `actor` as the audit log names them.

    `person` tells whether two acts are one person's; `key` is what they came with, if any, and
    `account` whose process it was, where they used the command line.
    """

    actor: str
    person: str
    key: int | None = None
    account: str | None = None


SERVICE = "service"
"""The actor of what a worker records by itself."""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Something to be recorded: the store gives it its place, its time and its digest.

    `details` holds strings, integers, booleans, lists and mappings: what JSON keeps exactly.
    """

    kind: str
    actor: str
    subject: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One link of the audit log; `nodes` are the subtrees of the Merkle tree that it completes."""

    position: int
    at: datetime
    kind: str
    actor: str
    subject: str | None
    details: Mapping[str, Any]
    digest: bytes
    nodes: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AuditHead:
    """How far the audit log is: its last entry, and the peaks of its Merkle tree, joined."""

    position: int
    at: datetime
    digest: bytes
    peaks: bytes = field(repr=False)
